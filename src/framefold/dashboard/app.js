// The page: what the newest acquisition looks like while it grows.

import { get, getJSON, keepGoing, latestWins, Problem, sleep, visible } from "./api.js";
import { clock, count, dtype, duration, element, flat, percent, shape } from "./format.js";
import { fetchPicture, isPicture, isVector, keyOf, paint, Pane } from "./pane.js";

const API = "api/v1";
const STATUS_EVERY = 1000; // [ms]
const PICTURES_EVERY = 200; // [ms] beyond 5 Hz nobody sees more of a growing picture
const THUMBS_EVERY = 1000; // [ms]
const WAIT = 20; // [s] that a request for news is held

const byId = (id) => document.getElementById(id);
const text = (id, content) => { const at = byId(id); if (at.textContent !== content) at.textContent = content; };

// --- what the visitor chose, kept in the address so that it can be passed on

const look = {
  acquisition: "latest",
  nav: { channel: "", component: "", cmap: "gray", scale: "linear", contrast: "auto" },
  sig: { channel: "", component: "", cmap: "inferno", scale: "log", contrast: "auto" },
};

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  look.acquisition = given.get("acquisition") || look.acquisition;
  for (const name of ["nav", "sig"]) {
    for (const key of ["channel", "component", "cmap", "scale", "contrast", "lower", "upper"]) {
      const found = given.get(`${name}.${key}`);
      if (found !== null) look[name][key] = key === "lower" || key === "upper" ? Number(found) : found;
    }
  }
}

function writeAddress() {
  const given = new URLSearchParams();
  if (look.acquisition !== "latest") given.set("acquisition", look.acquisition);
  for (const name of ["nav", "sig"]) {
    for (const [key, chosen] of Object.entries(look[name])) {
      if (chosen !== "" && chosen !== undefined) given.set(`${name}.${key}`, chosen);
    }
  }
  history.replaceState(null, "", `#${given}`);
}

// --- connection: what is on the screen says how old it is

const connection = { lost: false, since: new Date(), retry: 0 };

function connected() {
  connection.since = new Date();
  if (!connection.lost) return;
  connection.lost = false;
  byId("stale").hidden = true;
  document.body.classList.remove("is-stale");
}

function disconnected(error, delay) {
  if (error instanceof Problem) return; // an answer, if not the one hoped for
  connection.lost = true;
  document.body.classList.add("is-stale");
  const age = duration((Date.now() - connection.since) / 1000);
  text("stale", `Connection lost. Everything here is stale since ${clock(connection.since)} (${age}); `
    + `next try in ${duration(delay / 1000)}.`);
  byId("stale").hidden = false;
  text("state", "stale");
  byId("state").dataset.state = "stale";
}

// --- status strip

const pace = { ident: "", merged: 0, at: 0, rate: 0 };

/** Frames per second as seen from here, smoothed over some seconds. */
function measurePace(acquisition, now) {
  if (pace.ident !== acquisition.id) {
    Object.assign(pace, { ident: acquisition.id, merged: acquisition.merged, at: now, rate: NaN });
    return;
  }
  const seconds = (now - pace.at) / 1000;
  if (seconds < 0.3) return;
  const rate = Math.max(acquisition.merged - pace.merged, 0) / seconds;
  pace.rate = Number.isNaN(pace.rate) ? rate : pace.rate * 0.6 + rate * 0.4;
  Object.assign(pace, { merged: acquisition.merged, at: now });
}

const FINAL = ["complete", "aborted", "failed"];

function showAcquisition(acquisition) {
  measurePace(acquisition, performance.now());
  const isFinal = FINAL.includes(acquisition.state);
  const { losses } = acquisition;
  const lost = (losses.missing || 0) + (losses.undecodable || 0) + (losses.set_aside || 0) + (losses.corrupt || 0) + (losses.dropped || 0);
  text("state", acquisition.state);
  byId("state").dataset.state = acquisition.state;
  byId("state").title = acquisition.reason;
  text("name", acquisition.name);
  text("coverage", percent(acquisition.fraction));
  text("positions", `${count(acquisition.merged)} of ${count(acquisition.wanted)}`);
  byId("progress").value = acquisition.fraction;
  text("rate", isFinal ? "–" : Number.isNaN(pace.rate) ? "…" : count(pace.rate));
  const left = (acquisition.wanted - acquisition.merged) / pace.rate;
  text("remaining", isFinal ? acquisition.reason || "ended" : pace.rate > 0 ? `${duration(left)} left` : "waiting for frames");
  text("lost", count(lost));
  byId("lostbox").classList.toggle("is-bad", lost > 0);
  const told = Object.entries(losses).filter(([name, n]) => n && name !== "received");
  text("losses", told.map(([name, n]) => `${count(n)} ${name.replaceAll("_", " ")}`).join(", ") || "frames");
  text("scan", shape(acquisition.nav_shape));
  text("detector", shape(acquisition.sig_shape));
  text("dtype", `pixels, ${dtype(acquisition.dtype)}`);
  text("ident", acquisition.id);
  text("source", acquisition.source);
  showFailures(acquisition.failures);
}

let failuresShown = "";
function showFailures(failures) {
  const now = JSON.stringify(failures);
  if (now === failuresShown) return;
  failuresShown = now;
  const box = byId("failures");
  box.hidden = failures.length === 0;
  box.replaceChildren(...failures.map((failure) => {
    const entry = element("details");
    const summary = element("summary");
    summary.append(element("strong", failure.udf), element("span", ` raised ${failure.error}`));
    entry.append(summary, element("pre", failure.traceback));
    return entry;
  }));
}

function showSystem(status) {
  const { acquisition, totals, ...rest } = status; // totals are for those who watch for weeks
  const facts = [...flat(rest), ...flat({ run: acquisition?.statistics || {} })];
  byId("facts").replaceChildren(...facts.map(([name, told]) => {
    const row = element("div");
    row.append(element("dt", name), element("dd", told));
    return row;
  }));
}

async function showStatus(signal) {
  await visible();
  const status = await getJSON(`${API}/status`, { signal });
  connected();
  showSystem(status);
  const isEmpty = !status.acquisition;
  byId("waiting").hidden = !isEmpty;
  document.body.classList.toggle("is-empty", isEmpty);
  if (isEmpty) {
    text("state", "waiting");
    byId("state").dataset.state = "waiting";
    const source = status.source && typeof status.source === "object" ? flat(status.source) : [];
    if (source.length) text("awaited", source.map(([name, told]) => `${name}: ${told}`).join(" · "));
  } else if (look.acquisition === "latest" || look.acquisition === status.acquisition.id) {
    showAcquisition(status.acquisition);
  } else {
    showAcquisition(await getJSON(`${API}/acquisitions/${encodeURIComponent(look.acquisition)}`, { signal }));
  }
  await offerAcquisitions(status, signal);
  await sleep(STATUS_EVERY, signal);
}

let offered = "";
async function offerAcquisitions(status, signal) {
  const now = `${status.acquisitions} ${status.acquisition?.id}`;
  if (now === offered) return;
  const { acquisitions } = await getJSON(`${API}/acquisitions`, { signal });
  offered = now;
  const options = acquisitions.map((a) => new Option(`${a.name || a.id} · ${clock(new Date(a.created))}`, a.id));
  byId("acquisition").replaceChildren(new Option("Follow latest", "latest"), ...options);
  if (!acquisitions.some((a) => a.id === look.acquisition)) look.acquisition = "latest";
  byId("acquisition").value = look.acquisition;
}

// --- pictures: one held request tells which channels have moved; browsers allow six connections
// to a host, so a held request for each picture would starve the rest of the page

let panes = null;
const news = { tag: "", ident: "" };

async function showResults(signal) {
  await visible();
  if (document.body.classList.contains("is-empty")) {
    await sleep(STATUS_EVERY / 4, signal);
    return;
  }
  const headers = news.tag ? { "If-None-Match": news.tag, Prefer: `wait=${WAIT}` } : {};
  let response;
  try {
    response = await get(`${API}/acquisitions/${encodeURIComponent(look.acquisition)}/results`, { headers, signal });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.status === 404 && look.acquisition !== "latest") follow("latest"); // forgotten by now
    connected();
    await sleep(STATUS_EVERY, signal);
    return;
  }
  connected();
  if (response.status === 200) {
    const list = await response.json();
    news.tag = response.headers.get("ETag");
    offerChannels(list);
    await sleep(PICTURES_EVERY, signal);
  } else if (response.headers.get("X-Run-State") !== "running") {
    await sleep(STATUS_EVERY, signal);
  }
}

const isRaw = (channel) => Number(channel.channel.startsWith("raw_"));

function offerChannels(list) {
  const several = new Map();
  for (const c of list.results) several.set(c.udf, (several.get(c.udf) || 0) + 1);
  const labelled = list.results.filter(isPicture).map((c) => ({
    ...c, label: several.get(c.udf) > 1 ? `${c.udf} · ${c.channel}` : c.udf,
  }));
  labelled.sort((a, b) => isRaw(a) - isRaw(b)); // what was corrected is what people look at
  const coverage = { ...list.coverage, udf: "coverage", channel: "", label: "coverage", isCoverage: true };
  const nav = [...labelled.filter((c) => c.kind === "nav"), ...(isPicture(coverage) ? [coverage] : [])];
  const sig = labelled.filter((c) => c.kind !== "nav");
  panes.nav.offer(nav);
  panes.sig.offer(sig);
  document.body.classList.toggle("has-sig", sig.length > 0);
  thumbs.offer(nav);
}

// --- thumbnails: every scan image at a glance, once a second

const thumbs = {
  channels: [],
  buttons: new Map(),
  offer(channels) {
    const before = this.channels.map(keyOf).join();
    this.channels = channels;
    if (channels.map(keyOf).join() !== before) this.build();
    this.mark();
    this.refresh();
  },
  build() {
    this.buttons = new Map(this.channels.map((channel) => {
      const button = element("button", "", "thumb");
      button.type = "button";
      const canvas = element("canvas");
      canvas.setAttribute("aria-hidden", "true");
      button.append(canvas, element("span", channel.label));
      button.addEventListener("click", () => panes.nav.select(keyOf(channel)));
      return [keyOf(channel), { button, canvas, version: 0, path: "" }];
    }));
    byId("thumbs").replaceChildren(...[...this.buttons.values()].map((b) => b.button));
    byId("thumbs").hidden = this.channels.length < 2;
  },
  mark() {
    const chosen = panes.nav.channel;
    for (const [key, { button }] of this.buttons) {
      button.setAttribute("aria-pressed", String(Boolean(chosen) && key === keyOf(chosen)));
    }
  },
  refresh: latestWins(async () => {
    for (const channel of thumbs.channels) {
      const thumb = thumbs.buttons.get(keyOf(channel));
      if (!thumb || (thumb.version === channel.version && thumb.path === channel.links.png)) continue;
      const query = channel.isCoverage ? {} : isVector(channel) ? { component: "rgb" } : {};
      try {
        const picture = await fetchPicture(channel, { size: 128, ...query });
        paint(thumb.canvas, picture.bitmap);
        Object.assign(thumb, { version: picture.version, path: channel.links.png });
      } catch (error) {
        if (!(error instanceof Problem) && !(error instanceof TypeError)) throw error;
        return; // the list of results is asked again, and so are these
      }
    }
    await sleep(THUMBS_EVERY);
  }),
};

// --- start

let stopResults = () => {};

function follow(ident) {
  look.acquisition = ident;
  byId("acquisition").value = ident;
  news.tag = "";
  writeAddress();
  stopResults();
  stopResults = keepGoing(showResults, { failed: disconnected, recovered: () => {} });
}

function keys(event) {
  if (event.target.matches?.("input, select") || event.ctrlKey || event.metaKey || event.altKey) return;
  const pane = panes.nav.root.matches(":hover, :focus-within") ? panes.nav : panes.sig;
  const actions = { l: () => pane.toggleScale(), a: () => pane.set("contrast", "auto"), f: () => follow("latest") };
  actions[event.key.toLowerCase()]?.();
}

async function begin(signal) {
  const about = await getJSON(API, { signal });
  const png = about.representations.find((r) => r.name === "png");
  const cmaps = png.options.cmap.filter((name) => name !== "states");
  const changed = () => { writeAddress(); thumbs.mark(); };
  panes = {
    nav: new Pane(byId("nav"), { title: "Scan", what: "Scan image", cmaps, look: look.nav, changed }),
    sig: new Pane(byId("sig"), { title: "Detector", what: "Detector image", cmaps, look: look.sig, changed }),
  };
  byId("acquisition").addEventListener("change", (event) => follow(event.target.value));
  document.addEventListener("keydown", keys);
  addEventListener("resize", () => { panes.nav.refresh(); panes.sig.refresh(); });
  keepGoing(showStatus, { failed: disconnected, recovered: () => {} });
  follow(look.acquisition);
}

readAddress();
const stopBeginning = keepGoing(async (signal) => {
  await begin(signal);
  connected();
  stopBeginning();
}, { failed: disconnected, recovered: () => {} });
