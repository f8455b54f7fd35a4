// What Grafana's library asks of a browser while it is loaded, for a node that has none. Nothing of it is used.

const nothing = {getItem: () => null, setItem: () => undefined, addEventListener: () => undefined, style: {}};
const document = {...nothing, createElement: () => ({getContext: () => null, style: {}}), documentElement: {style: {}}};

Object.assign(globalThis, {window: globalThis, localStorage: nothing, document, location: {href: 'http://localhost/', search: ''}});
Object.defineProperty(globalThis, 'navigator', {value: {language: 'en-US', languages: ['en-US'], userAgent: ''}, configurable: true});
