// Keeps a page at the state that the server draws. Events of the stream only say when to look: what is shown is always
// fetched, as a fragment whose [data-part] elements replace those that differ. The page also looks by itself, at the
// [data-pace] that it was drawn with, because a retry sends no event and a stream may be refused; a tab out of sight
// looks seldom, and tells by its title.

const PACES = { fast: 5000, slow: 60000 };
const GIVE_UP = 5000;
const CONNECT_AGAIN = 15000;
const EVENTS = ["thought_created", "thought_processing", "thought_agent_completed", "thought_completed", "thought_failed", "reset"];
const WORDS = { live: "Live", reconnecting: "Reconnecting", polling: "Checking every few seconds", stale: "Not up to date, trying again" };

const live = document.querySelector("[data-live]");
const connection = document.querySelector("[data-connection]");
const gone = document.querySelector("[data-gone]"); // what is shown instead of a thought that is not there any more
const announcer = document.querySelector("[data-announcer]");
const ago = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
let clockAhead = 0; // this clock minus the server's, in milliseconds
let streaming = ""; // how the stream is
let stale = false; // whether the latest look failed

function show() {
  const state = stale ? "stale" : streaming;
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
  if (!looking && performance.now() - lookedAt >= pace()) look();
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
      const focused = old?.contains(document.activeElement) && document.activeElement.getAttribute("href");
      placed = document.adoptNode(part);
      if (old) old.replaceWith(placed);
      else if (last) last.after(placed);
      else live.prepend(placed);
      if (focused) placed.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    }
    known.set(name, html);
    current.delete(name);
    last = placed;
  }
  for (const part of current.values()) part.remove();
  announce(before, statuses(live));
}

let looking = false;
let lookAgain = false;
let lookedAt = 0;

// Who calls while a look is under way gets another one, for the first may have been drawn too early.
async function look() {
  lookAgain = true;
  if (looking) return;
  looking = true;
  while (lookAgain) {
    lookAgain = false;
    lookedAt = performance.now();
    stale = !(await lookOnce());
    document.title = live.querySelector("[data-title]")?.dataset.title ?? document.title;
    tick();
  }
  looking = false;
  settle();
}

// Whether what is shown is now the state.
async function lookOnce() {
  try {
    const answer = await fetch(live.dataset.src, { headers: { Accept: "text/html" }, cache: "no-store", signal: AbortSignal.timeout(GIVE_UP) });
    if (answer.status === 404 && gone) live.replaceChildren(gone.content.cloneNode(true));
    else if (!answer.ok) return false;
    else {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      readClock(fresh);
      patch(fresh);
    }
    return true;
  } catch {
    return false; // no answer, or not in time
  }
}

function pace() {
  const asked = stale ? PACES.fast : (PACES[live.querySelector("[data-pace]")?.dataset.pace] ?? Infinity);
  return document.hidden ? Math.max(asked, PACES.slow) : asked;
}

const isOpen = () => live.querySelector("[data-open]") !== null;
const isOurs = (data) => !live.dataset.thought || !data.thought_id || data.thought_id === live.dataset.thought;
let source = null;

function hear(event) {
  if (isOurs(JSON.parse(event.data))) look();
}

// A thought that has ended needs no stream; the list of thoughts may always get another one. Only the tab in sight has
// a stream: a browser opens six connections to a host at most, and more tabs than that would lock each other out.
const needed = () => !document.hidden && (!live.dataset.thought || isOpen());

function connect() {
  if (!needed() || (source && source.readyState !== EventSource.CLOSED)) return;
  const opened = new EventSource(live.dataset.stream);
  source = opened;
  opened.addEventListener("open", () => heardOf(opened, "live"));
  opened.addEventListener("error", () => {
    if (opened.readyState !== EventSource.CLOSED) return heardOf(opened, "reconnecting");
    heardOf(opened, "polling"); // refused, as with a 503: EventSource has given up, so come again later
    setTimeout(connect, CONNECT_AGAIN);
  });
  for (const name of EVENTS) opened.addEventListener(name, hear);
}

function heardOf(opened, state) {
  if (opened !== source) return;
  streaming = state;
  show();
}

function disconnect() {
  source?.close();
  source = null;
  streaming = "";
}

function settle() {
  if (!needed()) disconnect();
  else if (!source) connect(); // one that was refused has a time to come again
  show();
}

function start() {
  remember(live);
  readClock(document);
  tick();
  setInterval(tick, 1000);
  settle();
  document.addEventListener("visibilitychange", () => (document.hidden ? settle() : look()));
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", (event) => event.persisted && look());
}

if (live) start();

const form = document.querySelector("[data-form]");
if (form) {
  const button = form.querySelector("button");
  form.addEventListener("submit", () => button.setAttribute("aria-busy", "true"));
  addEventListener("pageshow", () => button.removeAttribute("aria-busy"));
}
