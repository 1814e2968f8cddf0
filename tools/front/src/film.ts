import type { Data, Film as Found, Style } from "./data";
import type { SheetView } from "./sheet";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 320, HEIGHT = 70;

/** Histories as films that one slider moves: losses as curves beside each other; the sheets show one, or the difference. */
export class Film {
  readonly element = document.createElement("section");
  private readonly films: Found[];
  private readonly last: number;
  private readonly slider = document.createElement("input");
  private readonly play = document.createElement("button");
  private readonly words = document.createElement("output");
  private readonly marks: SVGElement[];
  private readonly weights: Set<string>;
  private readonly styles = new Map<string, Style | undefined>();
  private shown = "0";
  private timer = 0;

  constructor(data: Data, private readonly sheets: SheetView[]) {
    this.films = data.films;
    this.last = Math.max(...this.films.map((film) => film.frames.length)) - 1;
    this.weights = new Set(Object.values(data.codes)[0].blocks.filter((block) => block.role === "weight").flatMap((block) => block.names));
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
    this.slider.max = String(this.last);
    this.slider.value = "0";
    this.slider.setAttribute("aria-label", "Iteration");
    this.slider.addEventListener("input", () => { this.stop(); this.show(Number(this.slider.value)); });
    const curves = this.films.map((film) => this.curve(film));
    const drawn = document.createElement("div");
    drawn.className = "curves";
    drawn.append(...curves);
    this.marks = curves.map((curve) => curve.querySelector("circle")!);
    this.element.append(this.play, this.slider, ...(this.films.length > 1 ? [this.choice()] : []), this.words, drawn);
    this.show(0);
  }

  private start(): void {
    if (Number(this.slider.value) === this.last) this.show(0);
    this.play.textContent = "Pause";
    this.timer = window.setInterval(() => {
      const next = Number(this.slider.value) + 1;
      if (next > this.last) return this.stop();
      this.show(next);
    }, 250);
  }

  private stop(): void {
    window.clearInterval(this.timer);
    this.timer = 0;
    this.play.textContent = "Play";
  }

  /** Which film the sheets show, or how the second differs from the first. */
  private choice(): HTMLElement {
    const group = document.createElement("fieldset");
    const legend = document.createElement("legend");
    legend.textContent = "The sheet shows";
    group.append(legend);
    const names = [...this.films.map((film) => film.title), `${this.films[1].title} − ${this.films[0].title}`];
    names.forEach((name, place) => {
      const label = document.createElement("label"), button = document.createElement("input");
      button.type = "radio";
      button.name = "shown";
      button.value = String(place);
      button.checked = place === 0;
      button.addEventListener("change", () => { this.shown = button.value; this.show(Number(this.slider.value)); });
      label.append(button, name);
      group.append(label);
    });
    return group;
  }

  private frame(film: Found, place: number): number {
    return Math.round((place * (film.frames.length - 1)) / Math.max(1, this.last));
  }

  private show(place: number): void {
    this.slider.value = String(place);
    const frames = this.films.map((film) => this.frame(film, place));
    const texts = this.films.map((film, which) => {
      const at = film.at[frames[which]];
      const text = `${film.step} ${at} of ${film.losses.length - 1}: ${Number(film.losses[at].toPrecision(6))}`;
      return this.films.length > 1 ? `${film.title}: ${text}` : text;
    });
    this.slider.setAttribute("aria-valuetext", texts.join("; "));
    const more = this.films.length > 1 ? [this.difference(frames)] : [];
    const ends = place === this.last ? this.films.map((film) => film.words) : [];
    this.words.replaceChildren(...[...texts, ...more, ...ends].map((text) => {
      const line = document.createElement("span");
      line.textContent = text;
      return line;
    }));
    this.films.forEach((film, which) => {
      const [x, y] = this.point(film, film.at[frames[which]]);
      this.marks[which].setAttribute("cx", String(x));
      this.marks[which].setAttribute("cy", String(y));
    });
    this.put(frames);
    for (const sheet of this.sheets) sheet.scale();
  }

  private put(frames: number[]): void {
    const both = Number(this.shown) === this.films.length;
    const film = this.films[both ? 1 : Number(this.shown)], frame = frames[both ? 1 : Number(this.shown)];
    film.names.forEach((name, which) => {
      const [sheet, rows, columns] = film.cells[name];
      const view = this.sheets.find((one) => one.data.name === sheet);
      if (!view) return;
      const base = both ? this.numbers(0, frames[0], name) : null;
      film.frames[frame][which].forEach((value, cell) => {
        const other = base?.[cell];
        const shown = both ? (value === null || other === null || other === undefined ? null : value - other) : value;
        view.set(rows[cell], columns[cell], shown, this.styles.get(`${sheet}/${rows[cell]}/${columns[cell]}`));
      });
    });
  }

  private numbers(film: number, frame: number, name: string): (number | null)[] {
    return this.films[film].frames[frame][this.films[film].names.indexOf(name)] ?? [];
  }

  private difference(frames: number[]): string {
    const losses = this.films.map((film, which) => film.losses[film.at[frames[which]]]);
    let most = 0;
    for (const name of this.weights) {
      const other = this.numbers(1, frames[1], name);
      this.numbers(0, frames[0], name).forEach((value, cell) => { most = Math.max(most, Math.abs((value ?? 0) - (other[cell] ?? 0))); });
    }
    return `Difference: ${Number((losses[1] - losses[0]).toPrecision(3))}; changing cells by at most ${Number(most.toPrecision(3))}`;
  }

  /** Where an iteration stands in its curve; all curves have one scale. */
  private point(film: Found, at: number): [number, number] {
    const finite = this.films.flatMap((one) => one.losses).filter(Number.isFinite);
    const low = Math.min(...finite), high = Math.max(...finite);
    const x = (WIDTH * at) / Math.max(1, film.losses.length - 1);
    const y = HEIGHT - (HEIGHT * (film.losses[at] - low)) / (high - low || 1);
    return [Math.round(10 * x) / 10, Math.round(10 * y) / 10];
  }

  private curve(film: Found): HTMLElement {
    const figure = document.createElement("figure"), caption = document.createElement("figcaption");
    caption.textContent = this.films.length > 1 ? film.title : "";
    const drawing = document.createElementNS(SVG, "svg");
    drawing.setAttribute("viewBox", `-5 -5 ${WIDTH + 10} ${HEIGHT + 10}`);
    drawing.setAttribute("role", "img");
    drawing.setAttribute("aria-label", `${film.title}: the objective from ${film.losses[0]} to ${film.losses[film.losses.length - 1]}`);
    const line = document.createElementNS(SVG, "polyline");
    const every = Math.max(1, Math.floor(film.losses.length / WIDTH));
    const places = film.losses.map((_, at) => at).filter((at) => at % every === 0 || at === film.losses.length - 1);
    line.setAttribute("points", places.map((at) => this.point(film, at).join(",")).join(" "));
    const mark = document.createElementNS(SVG, "circle");
    mark.setAttribute("r", "4");
    drawing.append(line, mark);
    figure.append(drawing, caption);
    return figure;
  }
}
