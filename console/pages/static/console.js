// Keeps a page up to date: asks for it again when the console says that something changed, and puts what came into place.
// Everything shown is made by the server; nothing is put together from data here.

const kept = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
const keep = (name, value) => { try { localStorage.setItem(name, value); } catch { /* not allowed: for this page only */ } };
const root = document.documentElement;

function settle(name) {
  const value = kept(name);
  if (value) root.dataset[name] = value;
}

function button(text, says, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.title = says;
  made.addEventListener("click", act);
  document.querySelector("[data-tools]")?.append(made);
  return made;
}

function turn(name, values) {
  const next = values[(values.indexOf(root.dataset[name] ?? values[0]) + 1) % values.length];
  root.dataset[name] = next;
  keep(name, next);
  showTimes();
}

function showTimes() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const at = time.getAttribute("datetime");
    time.textContent = root.dataset.zone === "local" ? new Date(at).toLocaleString() : `${at.slice(0, 19).replace("T", " ")} UTC`;
  }
}

const isPaused = () => new URLSearchParams(location.search).get("pause") === "1";
let waiting = 0;
let asking = false;

function isBusy() {
  const selection = getSelection();
  const focused = document.activeElement;
  return (selection && !selection.isCollapsed) || (focused && /^(INPUT|SELECT)$/.test(focused.tagName));
}

function openOnes() {
  return [...document.querySelectorAll("details")].map((one, place) => [one.querySelector(".place")?.textContent ?? place, one.open]);
}

function offerCopies() {
  for (const line of document.querySelectorAll("details[open] > pre")) {
    const place = line.parentElement.querySelector(".place");
    if (!place || line.parentElement.querySelector("button")) continue;
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = "copy";
    made.addEventListener("click", () => copy(line, made));
    place.after(made);
  }
}

async function copy(line, made) {
  try {
    await navigator.clipboard.writeText(line.textContent);
    made.textContent = "copied";
  } catch { // not allowed here: the line is marked, so that the keyboard can copy it
    getSelection().selectAllChildren(line);
    made.textContent = "marked: press Ctrl+C";
  }
}

function placeOfFocus() {
  const all = [...document.querySelectorAll("main a, main summary, main button, main [tabindex]")];
  const focused = document.activeElement;
  return all.includes(focused) ? [focused.getAttribute("href") ?? focused.parentElement?.querySelector(".place")?.textContent, focused.tagName] : null;
}

function focusAgain(place) {
  if (!place || !place[0]) return;
  const found = [...document.querySelectorAll(`main ${place[1]}`)].find((one) =>
    (one.getAttribute("href") ?? one.parentElement?.querySelector(".place")?.textContent) === place[0]);
  found?.focus({ preventScroll: true });
}

async function refresh() {
  if (asking) return;
  asking = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const open = new Map(openOnes());
    const focus = placeOfFocus();
    for (const id of ["ribbon", "main"]) {
      const [here, there] = [document.getElementById(id), page.getElementById(id)];
      if (here && there) here.replaceChildren(...there.childNodes);
    }
    document.title = page.title;
    [...document.querySelectorAll("details")].forEach((one, place) => {
      one.open = open.get(one.querySelector(".place")?.textContent ?? place) ?? false;
    });
    offerCopies();
    focusAgain(focus);
    showTimes();
    waiting = 0;
    sayLive();
  } finally {
    asking = false;
  }
}

function sayLive() {
  const place = document.querySelector(".refresh");
  if (!place || isPaused()) return;
  const text = waiting ? `${waiting} new, held while you read ` : "live ";
  for (const node of [...place.childNodes]) if (node.nodeType === Node.TEXT_NODE) node.remove();
  place.prepend(text);
}

function follow() {
  const source = new EventSource("/api/v0/updates");
  let first = true;
  source.addEventListener("pt_update", () => {
    if (first) { first = false; return; }
    if (document.hidden || isBusy()) { waiting += 1; sayLive(); return; }
    refresh();
  });
  source.addEventListener("error", () => { first = false; });
  addEventListener("pagehide", () => source.close());
  document.addEventListener("visibilitychange", () => { if (!document.hidden && waiting) refresh(); });
}

for (const name of ["theme", "zone", "colours"]) settle(name);
button("Theme", "Light, dark or as the system has it", () => turn("theme", ["system", "light", "dark"]));
button("UTC/local", "Show times in UTC or in your own zone", () => turn("zone", ["utc", "local"]));
button("±", "Swap the colours of profit and loss", () => turn("colours", ["usual", "swapped"]));
addEventListener("toggle", offerCopies, true);
showTimes();
if (!isPaused() && document.getElementById("ribbon")) {
  sayLive();
  follow();
}
