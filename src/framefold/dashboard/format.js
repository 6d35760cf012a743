// Numbers and times as people read them.

export const count = (n) => Number(n).toLocaleString("en", { maximumFractionDigits: 0 });

export function value(v) {
  if (v === null || v === undefined || Number.isNaN(v)) return "–";
  if (typeof v !== "number") return String(v);
  const size = Math.abs(v);
  if (size !== 0 && (size >= 1e6 || size < 1e-3)) return v.toExponential(2);
  return Number.isInteger(v) ? count(v) : v.toPrecision(4).replace(/\.?0+$/, "");
}

export function percent(share) {
  // never rounded up to 100: the last missing position must be seen
  return `${(Math.floor(share * 1000) / 10).toFixed(1)} %`;
}

export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

export const shape = (s) => (s && s.length ? s.join(" × ") : "–");

/** A numpy type string in words, e.g. "<u2" as uint16. */
export function dtype(text) {
  const found = /^[<>|=]?([biufc])(\d+)$/.exec(text);
  if (!found) return text;
  const name = { b: "bool", i: "int", u: "uint", f: "float", c: "complex" }[found[1]];
  return name === "bool" ? name : `${name}${found[2] * 8}`;
}

export const clock = (date) => date.toLocaleTimeString("en-GB");

/** Nested facts as [path, text] pairs. */
export function flat(facts, prefix = "") {
  return Object.entries(facts || {}).flatMap(([key, v]) =>
    v !== null && typeof v === "object" && !Array.isArray(v)
      ? flat(v, `${prefix}${key} · `)
      : [[`${prefix}${key}`.replaceAll("_", " "), Array.isArray(v) ? v.join(", ") : value(v)]]);
}

/** An element with text in it; text only, so that no name from outside is ever markup. */
export function element(tag, text = "", className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}
