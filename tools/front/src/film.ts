import type { Data, Film as Found, Style } from "./data";
import type { SheetView } from "./sheet";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 320, HEIGHT = 70;

/** The search as a film: a slider, a button, the loss curve; the sheets show the numbers of the iteration. */
export class Film {
  readonly element = document.createElement("section");
  private readonly film: Found;
  private readonly slider = document.createElement("input");
  private readonly play = document.createElement("button");
  private readonly words = document.createElement("output");
  private readonly mark: SVGElement;
  private readonly styles = new Map<string, Style | undefined>();
  private timer = 0;

  constructor(data: Data, private readonly sheets: SheetView[]) {
    this.film = data.film!;
    this.element.className = "film";
    this.element.setAttribute("aria-label", "The search as a film");
    for (const sheet of data.sheets) for (const [row, column, , , style] of sheet.cells) this.styles.set(`${sheet.name}/${row}/${column}`, data.styles[style]);
    this.play.type = "button";
    this.play.id = "play";
    this.play.textContent = "Play";
    this.play.addEventListener("click", () => (this.timer ? this.stop() : this.start()));
    this.slider.type = "range";
    this.slider.id = "iteration";
    this.slider.min = "0";
    this.slider.max = String(this.film.frames.length - 1);
    this.slider.value = "0";
    this.slider.setAttribute("aria-label", "Iteration");
    this.slider.addEventListener("input", () => { this.stop(); this.show(Number(this.slider.value)); });
    const curve = this.curve();
    this.mark = curve.querySelector("circle")!;
    this.element.append(this.play, this.slider, this.words, curve);
    this.show(0);
  }

  private start(): void {
    if (Number(this.slider.value) === this.film.frames.length - 1) this.show(0);
    this.play.textContent = "Pause";
    this.timer = window.setInterval(() => {
      const next = Number(this.slider.value) + 1;
      if (next >= this.film.frames.length) return this.stop();
      this.show(next);
    }, 250);
  }

  private stop(): void {
    window.clearInterval(this.timer);
    this.timer = 0;
    this.play.textContent = "Play";
  }

  private show(place: number): void {
    this.slider.value = String(place);
    const at = this.film.at[place], loss = this.film.losses[at];
    const text = `iteration ${at} of ${this.film.losses.length - 1}: ${Number(loss.toPrecision(6))}`;
    this.slider.setAttribute("aria-valuetext", text);
    this.words.textContent = place === this.film.frames.length - 1 ? `${text}. ${this.film.words}` : text;
    const [x, y] = this.point(at);
    this.mark.setAttribute("cx", String(x));
    this.mark.setAttribute("cy", String(y));
    this.film.names.forEach((name, which) => {
      const [sheet, rows, columns] = this.film.cells[name];
      const view = this.sheets.find((one) => one.data.name === sheet);
      if (!view) return;
      this.film.frames[place][which].forEach((value, cell) => {
        view.set(rows[cell], columns[cell], value, this.styles.get(`${sheet}/${rows[cell]}/${columns[cell]}`));
      });
    });
    for (const sheet of this.sheets) sheet.scale();
  }

  private point(at: number): [number, number] {
    const finite = this.film.losses.filter(Number.isFinite);
    const low = Math.min(...finite), high = Math.max(...finite);
    const x = (WIDTH * at) / Math.max(1, this.film.losses.length - 1);
    const y = HEIGHT - (HEIGHT * (this.film.losses[at] - low)) / (high - low || 1);
    return [Math.round(10 * x) / 10, Math.round(10 * y) / 10];
  }

  private curve(): SVGElement {
    const drawing = document.createElementNS(SVG, "svg");
    drawing.setAttribute("viewBox", `-5 -5 ${WIDTH + 10} ${HEIGHT + 10}`);
    drawing.setAttribute("role", "img");
    drawing.setAttribute("aria-label", "The objective by iterations");
    const line = document.createElementNS(SVG, "polyline");
    line.setAttribute("points", this.film.losses.map((_, at) => this.point(at).join(",")).join(" "));
    const mark = document.createElementNS(SVG, "circle");
    mark.setAttribute("r", "4");
    drawing.append(line, mark);
    return drawing;
  }
}
