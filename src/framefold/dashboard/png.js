// What our pictures say beside their pixels: the colour table and the contrast limits.

const LEVELS = 253; // entries of the palette that are colours of the ramp; the rest is reserved

/** Read the chunks PLTE and tEXt of a PNG (PNG specification, sections 11.2.2 and 11.3.3). */
export function facts(buffer) {
  const view = new DataView(buffer);
  const found = { palette: null, limits: null };
  let at = 8;
  while (at + 12 <= view.byteLength) {
    const length = view.getUint32(at);
    const kind = String.fromCharCode(...new Uint8Array(buffer, at + 4, 4));
    const body = new Uint8Array(buffer, at + 8, Math.min(length, view.byteLength - at - 8));
    if (kind === "PLTE") found.palette = body.slice();
    if (kind === "tEXt") {
      const [name, value] = new TextDecoder("latin1").decode(body).split("\0");
      if (name === "limits") found.limits = value.split(",").map(Number);
    }
    if (kind === "IDAT") break; // ours come before the pixels
    at += length + 12;
  }
  return found;
}

/** Colour of a share 0..1 of the ramp, as [r, g, b]. */
export function colour(palette, share) {
  const entry = Math.round(share * (LEVELS - 1)) * 3;
  return [palette[entry], palette[entry + 1], palette[entry + 2]];
}

/** Draw the ramp, brightest on top. */
export function drawRamp(canvas, palette) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(1, LEVELS);
  for (let i = 0; i < LEVELS; i += 1) {
    image.data.set([...colour(palette, 1 - i / (LEVELS - 1)), 255], i * 4);
  }
  context.putImageData(image, 0, 0);
}

/** Draw the wheel of a vector picture: hue is direction (x right, y down), brightness length. */
export function drawWheel(canvas, palette) {
  const context = canvas.getContext("2d");
  const side = canvas.width;
  const image = context.createImageData(side, side);
  const middle = (side - 1) / 2;
  for (let row = 0; row < side; row += 1) {
    for (let column = 0; column < side; column += 1) {
      const [y, x] = [row - middle, column - middle];
      const length = Math.hypot(y, x) / middle;
      if (length > 1) continue;
      const turn = (Math.atan2(y, x) / (2 * Math.PI) + 1) % 1;
      const rgb = colour(palette, turn).map((v) => v * length);
      image.data.set([...rgb, 255], (row * side + column) * 4);
    }
  }
  context.putImageData(image, 0, 0);
}
