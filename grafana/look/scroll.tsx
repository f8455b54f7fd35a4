// Stands in for the scroll bars Grafana's table asks for, whose package cannot be bundled with it: a box that scrolls.

import React from 'react';

export class Scrollbars extends React.Component<{children?: React.ReactNode}> {
  render() {
    return <div style={{width: '100%', height: '100%', overflow: 'auto'}}>{this.props.children}</div>;
  }
}

export default Scrollbars;
