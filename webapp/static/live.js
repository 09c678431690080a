// Keeps the page up to date with the server. Events of the stream only say when to refresh: the content is always
// fetched as a fragment, and each [data-part] element that differs is replaced. The page also refreshes on a timer, at
// the pace of its [data-refresh], because a retry sends no event and a stream may be rejected. A hidden tab refreshes
// rarely and shows the status in its title.
//
// docs/browsers.md lists the browsers for which this is written, and what it uses of them. A page whose script cannot run
// there shows [data-no-updates] after some seconds, by its style alone; `start` hides it.

const REFRESH_MS = { fast: 5000, waiting: 15000, slow: 60000 };
const FETCH_TIMEOUT_MS = 5000;
const RECONNECT_MS = 15000;
const EVENTS = ["thought_created", "thought_processing", "thought_agent_completed", "thought_completed", "thought_failed", "reset"];
const PROGRESS_EVENT = "thought_agent_progress"; // the text that an agent has written so far: shown, but never stored
const MIN_REFRESH_MS = 1000; // between two refreshes because of PROGRESS_EVENT
const CONNECTION_TEXTS = { live: "Live", reconnecting: "Reconnecting", polling: "Checking every few seconds", stale: "Not up to date, retrying" };

const live = document.querySelector("[data-live]");
const connection = document.querySelector("[data-connection]");
const deletedNotice = document.querySelector("[data-deleted-notice]"); // replaces a thought that was deleted
const announcer = document.querySelector("[data-announcer]");
const noUpdates = document.querySelector("[data-no-updates]"); // says how to reload a page that does not update itself
let clockOffset = 0; // this clock minus the server's, in milliseconds
let streamState = ""; // "live", "reconnecting", "polling", or "" without a stream
let isStale = false; // whether the latest refresh failed
let isBroken = false; // whether this browser cannot show a refresh

function showConnection() {
  const state = isBroken ? "" : isStale ? "stale" : streamState;
  connection.hidden = !state;
  connection.dataset.state = state;
  connection.textContent = CONNECTION_TEXTS[state] ?? "";
}

function formatDuration(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

function formatAge(milliseconds) {
  const relativeTime = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  for (const [unit, length] of [["day", 86400000], ["hour", 3600000], ["minute", 60000]]) {
    if (milliseconds >= length) return relativeTime.format(-Math.floor(milliseconds / length), unit);
  }
  return "just now";
}

function updateTimes() {
  if (isBroken) return;
  const now = Date.now() - clockOffset;
  for (const span of document.querySelectorAll("[data-since]")) span.textContent = formatDuration(now - Date.parse(span.dataset.since));
  for (const span of document.querySelectorAll("[data-until]")) span.textContent = formatDuration(Date.parse(span.dataset.until) - now);
  for (const time of document.querySelectorAll("[data-ago]")) {
    const date = new Date(time.dateTime);
    time.title = date.toLocaleString();
    time.textContent = formatAge(now - date);
  }
  updateClockTimes();
}

function updateClockTimes() {
  for (const time of document.querySelectorAll("[data-clock]")) {
    time.textContent = new Date(time.dateTime).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  }
}

function tick() {
  updateTimes();
  if (!isBroken && !isRefreshing && performance.now() - refreshedAt >= refreshInterval()) refresh();
}

// Returns the HTML of a part as the server rendered it, without running times and the tokens of forms, so that only real
// changes count: a button that is replaced while it is pressed does nothing.
function renderedHtml(part) {
  const copy = part.cloneNode(true);
  copy.removeAttribute("data-now");
  for (const span of copy.querySelectorAll("[data-since], [data-until]")) span.textContent = "";
  for (const token of copy.querySelectorAll("[name=csrf_token]")) token.removeAttribute("value");
  return copy.outerHTML;
}

function readServerClock(root) {
  const element = root.querySelector("[data-now]");
  if (element) clockOffset = Date.now() - Date.parse(element.dataset.now);
}

const renderedParts = new Map();

function rememberParts(root) {
  for (const part of root.querySelectorAll("[data-part]")) renderedParts.set(part.dataset.part, renderedHtml(part));
}

function announcements(root) {
  return new Map([...root.querySelectorAll("[data-announce]")].map((element) => [element.dataset.announce, element.dataset.announcement]));
}

function announceChanges(before, after) {
  const changes = [...after].filter(([name, text]) => before.has(name) && before.get(name) !== text);
  if (changes.length) announcer.textContent = changes.map(([, text]) => text).join(". ");
}

// A running agent has a section with a place for its text, hidden until there is one. Any other section has no place, so
// a text that arrives late never replaces a result. The text comes from a model: it is only ever set as textContent.
const partialPlace = (root, number) => [...root.querySelectorAll("[data-partial]")].find((place) => place.dataset.partial === String(number));

function showPartialText(place, text) {
  place.textContent = text;
  place.closest("[data-part]").hidden = !text;
}

function keepPartialText(before, after) {
  for (const place of after.querySelectorAll("[data-partial]")) {
    const text = before && partialPlace(before, place.dataset.partial)?.textContent;
    if (text) showPartialText(place, text);
  }
}

function replaceParts(fragment) {
  const before = announcements(live);
  const currentParts = new Map([...live.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
  let previous = null;
  for (const part of [...fragment.querySelectorAll("[data-part]")]) {
    const name = part.dataset.part;
    const current = currentParts.get(name);
    const html = renderedHtml(part);
    let placed = current;
    if (!current || renderedParts.get(name) !== html) {
      const focusedHref = current?.contains(document.activeElement) && document.activeElement.getAttribute("href");
      placed = document.adoptNode(part);
      keepPartialText(current, placed);
      if (current) current.replaceWith(placed);
      else if (previous) previous.after(placed);
      else live.prepend(placed);
      if (focusedHref) placed.querySelector(`[href="${CSS.escape(focusedHref)}"]`)?.focus({ preventScroll: true });
    }
    renderedParts.set(name, html);
    currentParts.delete(name);
    previous = placed;
  }
  for (const part of currentParts.values()) part.remove();
  announceChanges(before, announcements(live));
}

let isRefreshing = false;
let needsRefresh = false;
let refreshedAt = 0;

// A call during a refresh starts another one afterwards, because the first response may be older than the event.
async function refresh() {
  needsRefresh = true;
  if (isRefreshing || isBroken) return;
  isRefreshing = true;
  while (needsRefresh) {
    needsRefresh = false;
    refreshedAt = performance.now();
    const response = await fetchFragment();
    isStale = !response;
    if (response && !attempt(() => show(response))) return;
  }
  isRefreshing = false;
  attempt(updateStream);
}

// Returns the status and the text of the server's answer, or null without an answer that can be shown.
async function fetchFragment() {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), FETCH_TIMEOUT_MS); // browsers got AbortSignal.timeout later
  try {
    const response = await fetch(live.dataset.src, { headers: { Accept: "text/html" }, cache: "no-store", signal: controller.signal });
    if (!response.ok && !(response.status === 404 && deletedNotice)) return null;
    return { status: response.status, text: await response.text() };
  } catch {
    return null; // no response, or not within FETCH_TIMEOUT_MS
  } finally {
    clearTimeout(timer);
  }
}

function show(response) {
  if (response.status === 404) live.replaceChildren(deletedNotice.content.cloneNode(true));
  else {
    const fragment = new DOMParser().parseFromString(response.text, "text/html");
    readServerClock(fragment);
    replaceParts(fragment);
  }
  document.title = live.querySelector("[data-title]")?.dataset.title ?? document.title;
  updateTimes();
}

// Runs a part of the script. What fails here would fail at every refresh, because the browser lacks something that the
// script uses: the page stops refreshing and says so. Returns whether it worked.
function attempt(action) {
  try {
    action();
    return true;
  } catch (error) {
    isBroken = true;
    isRefreshing = false;
    disconnect();
    showConnection();
    if (noUpdates) {
      noUpdates.dataset.now = "";
      noUpdates.hidden = false;
    }
    console.warn("This page cannot update itself in this browser:", error);
    return false;
  }
}

function refreshInterval() {
  const interval = isStale ? REFRESH_MS.fast : (REFRESH_MS[live.querySelector("[data-refresh]")?.dataset.refresh] ?? Infinity);
  return document.hidden ? Math.max(interval, REFRESH_MS.slow) : interval;
}

const isOpen = () => live.querySelector("[data-open]") !== null;
const concernsPage = (data) => !live.dataset.thought || !data.thought_id || data.thought_id === live.dataset.thought;
let source = null;

function handleEvent(event) {
  if (concernsPage(JSON.parse(event.data))) refresh();
}

// A text without a place means that this page does not know yet that the agent is running.
function handleProgress(event) {
  const data = JSON.parse(event.data);
  if (data.thought_id !== live.dataset.thought) return;
  const place = partialPlace(live, data.agent_number);
  if (place) showPartialText(place, data.text);
  else if (isOpen() && performance.now() - refreshedAt >= MIN_REFRESH_MS) refresh();
}

// A finished thought needs no stream; the list of thoughts always does, because a new thought can be added. Only the
// visible tab has a stream: a browser opens at most six connections to a host, so more tabs would block each other.
const needsStream = () => !document.hidden && (!live.dataset.thought || isOpen());

function connect() {
  if (isBroken || !needsStream() || (source && source.readyState !== EventSource.CLOSED)) return;
  if (!("EventSource" in window)) return useTimerAlone();
  const opened = new EventSource(live.dataset.stream);
  source = opened;
  opened.addEventListener("open", () => setStreamState(opened, "live"));
  opened.addEventListener("error", () => {
    if (opened.readyState !== EventSource.CLOSED) return setStreamState(opened, "reconnecting");
    setStreamState(opened, "polling"); // rejected, for example with 503: EventSource does not reconnect after that
    setTimeout(connect, RECONNECT_MS);
  });
  for (const name of EVENTS) opened.addEventListener(name, handleEvent);
  opened.addEventListener(PROGRESS_EVENT, handleProgress);
}

function setStreamState(opened, state) {
  if (opened !== source) return;
  streamState = state;
  showConnection();
}

function useTimerAlone() {
  streamState = isOpen() ? "polling" : "";
  showConnection();
}

function disconnect() {
  source?.close();
  source = null;
  streamState = "";
}

function updateStream() {
  if (!needsStream()) disconnect();
  else if (!source) connect(); // after a rejection, `source` is set and a timer reconnects
  showConnection();
}

function start() {
  if (!("fetch" in window && "AbortController" in window)) throw new Error("fetch or AbortController is missing");
  rememberParts(live);
  readServerClock(document);
  tick();
  setInterval(() => attempt(tick), 1000);
  updateStream();
  document.addEventListener("visibilitychange", () => attempt(document.hidden ? updateStream : refresh));
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", (event) => event.persisted && refresh());
  if (noUpdates) noUpdates.hidden = true;
}

if (live) attempt(start);

const form = document.querySelector("[data-form]");
if (form) {
  const button = form.querySelector("button");
  form.addEventListener("submit", () => button.setAttribute("aria-busy", "true"));
  addEventListener("pageshow", () => button.removeAttribute("aria-busy"));
}
