// What a notebook shows of a search while it runs: anywidget calls `render` with the widget's model.
const SVG = "http://www.w3.org/2000/svg", WIDTH = 320, HEIGHT = 70;

function points(losses) {
  const finite = losses.filter(Number.isFinite);
  const low = Math.min(...finite), high = Math.max(...finite);
  return losses.map((loss, at) => `${(WIDTH * at) / Math.max(1, losses.length - 1)},${HEIGHT - (HEIGHT * (loss - low)) / (high - low || 1)}`).join(" ");
}

function render({ model, el }) {
  const words = document.createElement("output"), drawing = document.createElementNS(SVG, "svg"), line = document.createElementNS(SVG, "polyline");
  el.className = "embedsheet-live";
  words.style.cssText = "display:block;white-space:pre-wrap;font-variant-numeric:tabular-nums";
  drawing.setAttribute("viewBox", `-4 -4 ${WIDTH + 8} ${HEIGHT + 8}`);
  drawing.setAttribute("width", String(WIDTH));
  drawing.setAttribute("role", "img");
  line.setAttribute("fill", "none");
  line.setAttribute("stroke", "#d2601a");
  line.setAttribute("stroke-width", "2");
  drawing.append(line);
  el.append(words, drawing);
  const show = () => {
    const losses = model.get("losses");
    words.textContent = model.get("words");
    line.setAttribute("points", points(losses));
    drawing.setAttribute("aria-label", `The objective over ${losses.length} iterations`);
  };
  model.on("change", show);
  show();
}

export default { render };
