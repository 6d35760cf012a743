// A pane: one channel as a picture, with its controls, colour key and readout.

import { get, getJSON, latestWins, Problem } from "./api.js";
import { clock, element, percent, value } from "./format.js";
import { colour, drawRamp, drawWheel, facts } from "./png.js";

const SIZES = [128, 192, 256, 384, 512, 768, 1024, 1536, 2048]; // few, so that viewers share pictures
const STATES = ["awaited", "merged", "missing", "corrupt", "set aside", "not selected"];

/** Identity of a channel on this page. */
export const keyOf = (channel) => `${channel.udf}/${channel.channel}`;

/** Axes of a channel that are its own, not added by its UDF. */
export const ownShape = (channel) =>
  channel.shape.slice(0, channel.shape.length - channel.extra_shape.length);

export const isPicture = (channel) => {
  const own = ownShape(channel);
  return (own.length === 1 || own.length === 2) && channel.shape.every((n) => n > 0);
};

export const isVector = (channel) => channel.extra_shape.length === 1 && channel.extra_shape[0] === 2;

/** Fetch a picture: its bitmap and what it says of itself. */
export async function fetchPicture(channel, query) {
  const response = await get(channel.links.png, { query });
  const buffer = await response.arrayBuffer();
  const bitmap = await createImageBitmap(new Blob([buffer], { type: "image/png" }));
  return { bitmap, ...facts(buffer), version: Number(response.headers.get("X-Result-Version")) };
}

/** Put a bitmap on a canvas of its size. */
export function paint(canvas, bitmap) {
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
}

export class Pane {
  /** `look` holds the choices made here; `changed` is told when one of them is. */
  constructor(root, { title, what, cmaps, look, changed }) {
    this.root = root;
    this.what = what;
    this.look = look;
    this.changed = changed;
    this.channels = [];
    this.shown = null; // identity and version of what is on the canvas
    this.cursor = null;
    root.append(document.getElementById("pane").content.cloneNode(true));
    this.part = (selector) => root.querySelector(selector);
    this.choice = (name) => root.querySelector(`[name=${name}]`);
    this.part("h2").textContent = title;
    this.canvas = this.part(".picture");
    for (const name of cmaps) this.choice("cmap").append(new Option(name, name));
    this.refresh = latestWins(() => this.#draw());
    this.read = latestWins(() => this.#read());
    this.#listen();
  }

  get channel() {
    return this.channels.find((c) => keyOf(c) === this.look.channel) || this.channels[0] || null;
  }

  /** What may be shown here, with the versions there are now. */
  offer(channels) {
    const before = this.channels.map(keyOf).join();
    this.channels = channels;
    this.root.hidden = channels.length === 0;
    if (channels.map(keyOf).join() !== before) {
      const names = channels.map((c) => new Option(c.label, keyOf(c)));
      this.choice("channel").replaceChildren(...names);
    }
    this.#syncControls();
    this.refresh();
  }

  /** Show another of the channels. */
  select(key) {
    this.set("channel", key);
  }

  set(name, chosen) {
    this.look[name] = chosen;
    if (name === "channel") this.look.component = ""; // vectors start with both of their parts
    this.#apply();
  }

  toggleScale() {
    this.set("scale", this.look.scale === "log" ? "linear" : "log");
  }

  #apply() {
    this.changed();
    this.#syncControls();
    this.refresh();
  }

  #listen() {
    for (const name of ["channel", "component", "cmap", "scale", "contrast"]) {
      this.choice(name).addEventListener("change", (event) => {
        if (name === "contrast" && event.target.value === "manual" && this.limits) {
          [this.look.lower, this.look.upper] = this.limits; // fixed where it is now
        }
        this.set(name, event.target.value);
      });
    }
    for (const name of ["lower", "upper"]) {
      this.choice(name).addEventListener("change", (event) => this.set(name, Number(event.target.value)));
    }
    this.canvas.addEventListener("pointermove", (event) => this.#point(event));
    this.canvas.addEventListener("pointerleave", () => this.#moveTo(null));
    this.canvas.addEventListener("keydown", (event) => this.#step(event));
  }

  #syncControls() {
    const { channel } = this;
    if (!channel) return;
    const count = channel.extra_shape.reduce((a, b) => a * b, 1);
    const component = this.choice("component");
    this.part(".component").hidden = count < 2;
    const wanted = isVector(channel) ? ["rgb", "0", "1"] : [...Array(Math.min(count, 256)).keys()].map(String);
    const label = (c) => ({ rgb: "direction", ...(isVector(channel) ? { 0: "y", 1: "x" } : {}) })[c] ?? c;
    if ([...component.options].map((o) => o.value).join() !== wanted.join()) {
      component.replaceChildren(...wanted.map((c) => new Option(label(c), c)));
    }
    if (count > 1 && !wanted.includes(this.look.component)) this.look.component = wanted[0];
    for (const name of ["component", "cmap", "scale", "contrast"]) this.choice(name).value = this.look[name];
    this.choice("channel").value = keyOf(channel);
    this.part(".manual").hidden = this.look.contrast !== "manual";
    for (const name of ["lower", "upper"]) {
      if (document.activeElement !== this.choice(name)) this.choice(name).value = this.look[name] ?? "";
    }
    const ownColours = this.#isWheel() || channel.isCoverage;
    for (const name of ["cmap", "scale"]) this.choice(name).disabled = ownColours;
    this.choice("contrast").disabled = Boolean(channel.isCoverage);
  }

  #isWheel() {
    return isVector(this.channel) && this.look.component === "rgb";
  }

  /** The query of the picture as it is wanted now. */
  query(channel = this.channel) {
    const box = this.part(".stage").getBoundingClientRect();
    const pixels = Math.min(box.width, box.height) * (window.devicePixelRatio || 1);
    const size = SIZES.find((s) => s >= pixels) || SIZES.at(-1);
    const { look } = this;
    if (channel.isCoverage) return { size };
    const fixed = look.contrast === "manual" && look.upper > look.lower;
    const limits = fixed ? `${look.lower},${look.upper}` : look.contrast === "manual" ? "auto" : look.contrast;
    const component = channel.extra_shape.length ? look.component : undefined;
    if (this.#isWheel()) return { size, limits, component };
    return { size, limits, component, cmap: look.cmap, scale: look.scale };
  }

  async #draw() {
    const { channel } = this;
    if (!channel) return;
    const query = this.query(channel);
    const wanted = `${channel.links.png} ${JSON.stringify(query)}`;
    if (this.shown?.wanted === wanted && this.shown.version === channel.version) return;
    try {
      const picture = await fetchPicture(channel, query);
      // a single row would be too thin to see: it is stretched
      const aspect = Math.min(Math.max(picture.bitmap.width / picture.bitmap.height, 1 / 8), 8);
      this.part(".frame").style.setProperty("--aspect", aspect);
      paint(this.canvas, picture.bitmap);
      this.shown = { wanted, version: picture.version };
      this.limits = picture.limits;
      this.#note("");
      await this.#key(channel, picture);
      this.#describe(channel);
    } catch (error) {
      if (error instanceof Problem) this.#note([error.message, error.hint].filter(Boolean).join(" — "));
      else this.#note("no connection"); // the list of results says so at the top, and tries again
    }
  }

  #note(text) {
    const note = this.part(".note");
    note.textContent = text;
    note.hidden = !text;
  }

  async #key(channel, picture) {
    const wheel = this.#isWheel();
    const side = this.part(".key");
    side.classList.toggle("is-wheel", wheel);
    side.hidden = Boolean(channel.isCoverage);
    this.part(".ramp").hidden = wheel;
    this.part(".wheel").hidden = !wheel;
    this.part(".limit.upper").textContent = value(picture.limits?.[1]);
    this.part(".limit.lower").textContent = wheel ? "" : value(picture.limits?.[0]);
    if (wheel && !this.wheelDrawn) {
      this.wheelDrawn = true;
      const phase = await fetchPicture(channel, { cmap: "phase", size: 1 });
      phase.bitmap.close();
      drawWheel(this.part(".wheel"), phase.palette);
    } else if (picture.palette) {
      drawRamp(this.part(".ramp"), picture.palette);
    }
    this.#legend(channel, picture.palette);
  }

  #legend(channel, palette) {
    const entries = channel.isCoverage
      ? STATES.map((name, i) => [name, `rgb(${colour(palette, i / (STATES.length - 1)).join()})`])
      : channel.kind === "nav" ? [["not scanned", null]]
        : channel.valid_fraction < 1 ? [["not valid", null]] : [];
    const now = JSON.stringify(entries);
    if (this.legendOf === now) return;
    this.legendOf = now;
    this.part(".legend").replaceChildren(...entries.map(([name, background]) => {
      const swatch = element("i", "", background ? "swatch" : "swatch hatch");
      if (background) swatch.style.background = background;
      const entry = element("span", "", "entry");
      entry.append(swatch, element("span", name));
      return entry;
    }));
  }

  #describe(channel) {
    const seen = channel.kind === "nav" ? `, ${percent(channel.valid_fraction)} scanned` : "";
    const range = this.limits ? `, colours from ${value(this.limits[0])} to ${value(this.limits[1])}` : "";
    this.canvas.setAttribute("aria-label",
      `${this.what} ${channel.label}, ${ownShape(channel).join(" by ")}${seen}${range}; arrow keys move the readout`);
    this.canvas.title = `version ${channel.version}, ${clock(new Date())}`;
    const links = ["npy", "png", "json"].map((name) => {
      const link = element("a", name);
      link.href = channel.links[name].replace(/^\//, "");
      link.download = `${channel.udf}-${channel.channel}.${name}`.replaceAll(/[^\w.-]/g, "_");
      return link;
    });
    this.part(".links").replaceChildren(...links);
  }

  // --- readout: the value under the pointer, or at the place the arrow keys chose

  #size() {
    const own = ownShape(this.channel);
    return own.length === 1 ? [1, own[0]] : own;
  }

  #point(event) {
    if (!this.channel) return;
    const box = this.canvas.getBoundingClientRect();
    const [height, width] = this.#size();
    const y = Math.floor((event.clientY - box.top) / box.height * height);
    const x = Math.floor((event.clientX - box.left) / box.width * width);
    if (y >= 0 && y < height && x >= 0 && x < width) this.#moveTo([y, x]);
  }

  #step(event) {
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const step = steps[event.key];
    if (!step || !this.channel) return;
    event.preventDefault();
    const [height, width] = this.#size();
    const from = this.cursor || [height >> 1, width >> 1];
    const by = event.shiftKey ? 10 : 1;
    this.#moveTo([
      Math.min(Math.max(from[0] + step[0] * by, 0), height - 1),
      Math.min(Math.max(from[1] + step[1] * by, 0), width - 1),
    ]);
  }

  #moveTo(cursor) {
    this.cursor = cursor;
    const cross = this.part(".cross");
    cross.hidden = !cursor;
    if (!cursor) {
      this.part(".readout").textContent = "";
      return;
    }
    const [height, width] = this.#size();
    cross.style.top = `${(cursor[0] + 0.5) / height * 100}%`;
    cross.style.left = `${(cursor[1] + 0.5) / width * 100}%`;
    this.read();
  }

  async #read() {
    const { channel, cursor } = this;
    if (!channel || !cursor) return;
    const slice = ownShape(channel).length === 1 ? `${cursor[1]}` : cursor.join();
    const place = `y ${cursor[0]}  x ${cursor[1]}`;
    try {
      const { data } = await getJSON(channel.links.json, { query: { slice } });
      if (!this.cursor) return;
      const values = (Array.isArray(data) ? data.flat(Infinity) : [data]).slice(0, 8);
      const shown = channel.isCoverage ? values.map((v) => STATES[v] ?? v)
        : values.map((v) => (v === null ? (channel.kind === "nav" ? "not scanned" : "no value") : value(v)));
      this.part(".readout").textContent = `${place}  →  ${[...new Set(shown)].join(", ")}`;
    } catch (error) {
      if (!(error instanceof Problem) && !(error instanceof TypeError)) throw error;
      this.part(".readout").textContent = place; // the connection's loss is told at the top
    }
  }
}
