// Keeps a page at the state that the server draws. Events of the stream only say when to look: what is shown is always
// fetched, as a fragment whose [data-part] elements replace those that differ. While something is open the page also
// looks every few seconds, because a retry sends no event and a stream may be refused.

const LOOK_EVERY = 5000;
const CONNECT_AGAIN = 15000;
const EVENTS = ["thought_created", "thought_processing", "thought_agent_completed", "thought_completed", "thought_failed", "reset"];
const WORDS = { live: "Live", reconnecting: "Reconnecting", polling: "Checking every few seconds" };

const live = document.querySelector("[data-live]");
const connection = document.querySelector("[data-connection]");
const announcer = document.querySelector("[data-announcer]");
const ago = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
let clockAhead = 0; // this clock minus the server's, in milliseconds

function show(state) {
  connection.hidden = !state;
  connection.dataset.state = state;
  connection.textContent = WORDS[state] ?? "";
}

function seconds(milliseconds) {
  const whole = Math.max(0, Math.round(milliseconds / 1000));
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

function sinceThen(milliseconds) {
  for (const [unit, length] of [["day", 86400000], ["hour", 3600000], ["minute", 60000]]) {
    if (milliseconds >= length) return ago.format(-Math.floor(milliseconds / length), unit);
  }
  return "just now";
}

function tick() {
  const now = Date.now() - clockAhead;
  for (const span of document.querySelectorAll("[data-since]")) span.textContent = seconds(now - Date.parse(span.dataset.since));
  for (const span of document.querySelectorAll("[data-until]")) span.textContent = seconds(Date.parse(span.dataset.until) - now);
  for (const time of document.querySelectorAll("[data-ago]")) {
    const then = new Date(time.dateTime);
    time.title = then.toLocaleString();
    time.textContent = sinceThen(now - then);
  }
}

// A part as the server drew it, without what ticks, so that only real changes count.
function drawn(part) {
  const copy = part.cloneNode(true);
  copy.removeAttribute("data-now");
  for (const span of copy.querySelectorAll("[data-since], [data-until]")) span.textContent = "";
  return copy.outerHTML;
}

function readClock(root) {
  const told = root.querySelector("[data-now]");
  if (told) clockAhead = Date.now() - Date.parse(told.dataset.now);
}

const known = new Map();

function remember(root) {
  for (const part of root.querySelectorAll("[data-part]")) known.set(part.dataset.part, drawn(part));
}

function statuses(root) {
  return new Map([...root.querySelectorAll("[data-announce]")].map((element) => [element.dataset.announce, element.dataset.words]));
}

function announce(before, after) {
  const changed = [...after].filter(([name, words]) => before.has(name) && before.get(name) !== words);
  if (changed.length) announcer.textContent = changed.map(([, words]) => words).join(". ");
}

function patch(fresh) {
  const before = statuses(live);
  const current = new Map([...live.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
  let last = null;
  for (const part of [...fresh.querySelectorAll("[data-part]")]) {
    const name = part.dataset.part;
    const old = current.get(name);
    const html = drawn(part);
    let placed = old;
    if (!old || known.get(name) !== html) {
      placed = document.adoptNode(part);
      if (old) old.replaceWith(placed);
      else if (last) last.after(placed);
      else live.prepend(placed);
    }
    known.set(name, html);
    current.delete(name);
    last = placed;
  }
  for (const part of current.values()) part.remove();
  announce(before, statuses(live));
  tick();
}

let looking = false;
let lookAgain = false;

async function look() {
  if (looking) {
    lookAgain = true;
    return;
  }
  looking = true;
  try {
    const answer = await fetch(live.dataset.src, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (answer.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      readClock(fresh);
      patch(fresh);
    }
  } catch {
    // The server is away for the moment; the next look comes by itself.
  }
  looking = false;
  if (lookAgain) {
    lookAgain = false;
    look();
  }
}

const isOpen = () => live.querySelector("[data-open]") !== null;
const isOurs = (data) => !live.dataset.thought || !data.thought_id || data.thought_id === live.dataset.thought;
let source = null;

function hear(event) {
  if (isOurs(JSON.parse(event.data))) look().then(settle);
}

// A thought that has ended needs no stream; the list of thoughts may always get another one. Only the tab in sight has
// a stream: a browser opens six connections to a host at most, and more tabs than that would lock each other out.
const needed = () => !document.hidden && (!live.dataset.thought || isOpen());

function connect() {
  if (!needed() || (source && source.readyState !== EventSource.CLOSED)) return;
  const opened = new EventSource(live.dataset.stream);
  source = opened;
  opened.addEventListener("open", () => show("live"));
  opened.addEventListener("error", () => {
    if (opened !== source) return;
    if (opened.readyState !== EventSource.CLOSED) return show("reconnecting");
    show("polling"); // refused, as with a 503: EventSource has given up, so come again later
    setTimeout(connect, CONNECT_AGAIN);
  });
  for (const name of EVENTS) opened.addEventListener(name, hear);
}

function disconnect() {
  source?.close();
  source = null;
}

function settle() {
  if (needed()) return;
  disconnect();
  show("");
}

function resume() {
  if (!live.dataset.thought || isOpen()) look().then(settle);
  connect();
}

function start() {
  remember(live);
  readClock(document);
  tick();
  setInterval(tick, 1000);
  connect();
  setInterval(() => isOpen() && !document.hidden && look().then(settle), LOOK_EVERY);
  document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : resume()));
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", (event) => event.persisted && resume());
}

if (live) start();

const form = document.querySelector("[data-form]");
if (form) {
  const button = form.querySelector("button");
  form.addEventListener("submit", () => button.setAttribute("aria-busy", "true"));
  addEventListener("pageshow", () => button.removeAttribute("aria-busy"));
}
