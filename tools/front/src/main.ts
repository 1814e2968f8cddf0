import type { Block, Data, Group, Rect } from "./data";
import { address, formula, reads, within } from "./formulas";
import { Film } from "./film";
import { SheetView } from "./sheet";

const LANGUAGES: Record<string, string> = { numpy: "NumPy", jax: "JAX", keras: "Keras", torch: "PyTorch" };

function element<Name extends keyof HTMLElementTagNameMap>(name: Name, className = "", text = ""): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** Tabs as a screen reader and the arrow keys know them. */
function tabs(label: string, names: string[], panels: HTMLElement[], chosen: (place: number) => void): HTMLElement {
  const list = element("div", "tabs");
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", label);
  const buttons = names.map((name, place) => {
    const button = element("button", "", name);
    button.type = "button";
    button.setAttribute("role", "tab");
    panels[place].setAttribute("role", "tabpanel");
    panels[place].setAttribute("aria-label", name);
    button.addEventListener("click", () => choose(place));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = (place + step + names.length) % names.length;
      choose(next);
      buttons[next].focus();
    });
    list.append(button);
    return button;
  });
  function choose(place: number): void {
    buttons.forEach((button, other) => {
      button.setAttribute("aria-selected", String(other === place));
      button.tabIndex = other === place ? 0 : -1;
      panels[other].hidden = other !== place;
    });
    chosen(place);
  }
  choose(0);
  return list;
}

class Page {
  private readonly sheets: SheetView[];
  private readonly told = element("div", "told");
  private readonly lines: Record<string, HTMLElement[]> = {};
  private language = "numpy";
  private held = false;

  constructor(private readonly data: Data, root: HTMLElement) {
    this.sheets = data.sheets.map((sheet) => new SheetView(sheet, data));
    const header = element("header");
    header.append(element("h1", "", data.title));
    for (const note of data.notes) header.append(element("p", "note", note));
    const left = element("section", "left"), right = element("section", "right");
    left.setAttribute("aria-label", "The sheet");
    right.setAttribute("aria-label", "The code");
    const frames = this.sheets.map((sheet) => this.framed(sheet));
    left.append(tabs("Sheets", data.sheets.map((sheet) => sheet.name), frames, () => this.clear()), ...frames);
    const codes = Object.keys(data.codes);
    const listings = codes.map((language) => this.listing(language));
    right.append(
      tabs("Languages", codes.map((code) => LANGUAGES[code] ?? code), listings, (place) => { this.language = codes[place]; this.clear(); }),
      ...listings,
    );
    this.told.setAttribute("aria-live", "polite");
    this.told.id = "told";
    const main = element("main");
    main.append(left, right);
    root.append(header);
    if (data.films.length) root.append(new Film(data, this.sheets).element);
    root.append(main, this.told);
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") { this.held = false; this.clear(); } });
    this.clear();
  }

  private framed(view: SheetView): HTMLElement {
    const frame = element("div", "sheet");
    frame.tabIndex = 0;
    frame.append(view.table);
    const at = (event: Event): [number, number] | null => {
      const cell = (event.target as HTMLElement).closest("td");
      return cell ? [Number(cell.dataset.row), Number(cell.dataset.column)] : null;
    };
    let focus: [number, number] = [1, 1];
    view.table.addEventListener("mouseover", (event) => { const place = at(event); if (place && !this.held) this.showCell(view, ...place); });
    view.table.addEventListener("click", (event) => { const place = at(event); if (place) { focus = place; this.held = true; this.showCell(view, ...place); } });
    frame.addEventListener("keydown", (event) => {
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (!step) return;
      const before = view.cell(...focus);
      let [row, column] = [focus[0] + step[0], focus[1] + step[1]];
      while (step[1] && before && view.cell(row, column) === before) column += step[1];  // out of a merged cell
      const cell = view.cell(row, column);
      if (!cell) return;
      event.preventDefault();
      focus = [Number(cell.dataset.row), Number(cell.dataset.column)];
      this.held = true;
      cell.scrollIntoView({ block: "nearest", inline: "nearest" });
      this.showCell(view, ...focus);
    });
    return frame;
  }

  private listing(language: string): HTMLElement {
    const code = this.data.codes[language];
    const frame = element("pre", "code");
    const owner = new Map<number, Block>();
    for (const block of code.blocks) for (let line = block.lines[0]; line <= block.lines[1]; line++) owner.set(line, block);
    let quoted = false;
    this.lines[language] = code.text.split("\n").map((text, place) => {
      const block = owner.get(place + 1);
      const line = element("code", block ? "line block" : "line");
      const marks = text.split('"""').length - 1;
      if (quoted || marks) line.append(element("span", "text", text), "\n");
      else coloured(text, line);
      if (marks % 2) quoted = !quoted;
      if (block) {
        line.tabIndex = 0;
        line.setAttribute("role", "button");
        line.setAttribute("aria-label", `${text.trim()}: ${block.areas.map(address).join(", ")}`);
        line.addEventListener("mouseenter", () => { if (!this.held) this.showBlock(block); });
        line.addEventListener("focus", () => this.showBlock(block));
        line.addEventListener("click", () => { this.held = true; this.showBlock(block); });
      }
      frame.append(line);
      return line;
    });
    return frame;
  }

  private clear(): void {
    for (const sheet of this.sheets) for (const name of ["lit", "read", "reader", "here"]) sheet.light([], name);
    for (const line of document.querySelectorAll(".line.lit")) line.classList.remove("lit");
    this.told.replaceChildren(element("p", "", "Point at a line or a cell; click to hold it, Esc to let go. Arrow keys move in the sheet."));
  }

  private lightLines(block: Block | undefined): void {
    for (const line of document.querySelectorAll(".line.lit")) line.classList.remove("lit");
    if (!block) return;
    const lines = this.lines[this.language].slice(block.lines[0] - 1, block.lines[1]);
    for (const line of lines) line.classList.add("lit");
  }

  private showBlock(block: Block): void {
    this.clear();
    for (const sheet of this.sheets) sheet.light(block.areas, "lit");
    this.lightLines(block);
    const lit = [...document.querySelectorAll<HTMLElement>(".sheet:not([hidden]) td.lit")];
    if (lit.length && !lit.some(seen)) reveal(lit[0]);
    this.tell([`${block.names.join(", ")} · ${some(block.areas)}`, block.formula ? `=${block.formula}` : block.role]);
  }

  private showCell(view: SheetView, row: number, column: number): void {
    this.clear();
    const sheet = view.data.name;
    const own: Rect = [sheet, row, column, row, column];
    const group = this.groupOf(sheet, row, column);
    const read = group ? reads(group, row, column) : [];
    const readers = this.readers(sheet, row, column);
    for (const one of this.sheets) {
      one.light(read, "read");
      one.light(readers, "reader");
      one.light([own], "here");
    }
    const block = this.data.codes[this.language].blocks.filter((other) => other.areas.some((area) => within(area, sheet, row, column)))
      .sort((one, other) => size(one) - size(other))[0];
    this.lightLines(block);
    if (block) reveal(this.lines[this.language][block.lines[0] - 1]);
    const words = [`${address(own)} ${group ? formula(group, row, column) : view.cell(row, column)?.textContent ?? ""}`];
    if (read.length) words.push(`reads ${some(read)}`);
    if (readers.length) words.push(`is read by ${some(readers)}`);
    this.tell(words);
  }

  private groupOf(sheet: string, row: number, column: number): Group | undefined {
    return this.data.groups.find((group) => group.sheet === sheet && group.cells.some(([top, left, bottom, right]) => row >= top && row <= bottom && column >= left && column <= right));
  }

  private readers(sheet: string, row: number, column: number): Rect[] {
    const found: Rect[] = [];
    for (const group of this.data.groups) {
      for (const [top, left, bottom, right] of group.cells) {
        for (let down = top; down <= bottom && found.length < 2000; down++) {
          for (let across = left; across <= right; across++) {
            if (reads(group, down, across).some((rect) => within(rect, sheet, row, column))) found.push([group.sheet, down, across, down, across]);
          }
        }
      }
    }
    return found;
  }

  private tell(words: string[]): void {
    this.told.replaceChildren(...words.map((text) => element("p", "", text)));
  }
}

/** Whether an element lies in the part of its frame that is seen. */
function seen(one: HTMLElement): boolean {
  const frame = one.closest<HTMLElement>(".sheet, .code")!.getBoundingClientRect(), own = one.getBoundingClientRect();
  return own.bottom > frame.top && own.top < frame.bottom && own.right > frame.left && own.left < frame.right;
}

/** Scroll an element's frame, and nothing else, to where it is seen. */
function reveal(one: HTMLElement): void {
  if (seen(one)) return;
  const frame = one.closest<HTMLElement>(".sheet, .code")!;
  const outer = frame.getBoundingClientRect(), own = one.getBoundingClientRect();
  if (own.bottom <= outer.top || own.top >= outer.bottom) frame.scrollTop += own.top - outer.top - outer.height / 4;
  if (one.tagName === "TD" && (own.right <= outer.left || own.left >= outer.right)) frame.scrollLeft += own.left - outer.left - outer.width / 4;
}

function size(block: Block): number {
  return block.areas.reduce((total, [, top, left, bottom, right]) => total + (bottom - top + 1) * (right - left + 1), 0);
}

function some(areas: Rect[]): string {
  const words = [...new Set(areas.map(address))];
  return words.length > 6 ? `${words.slice(0, 6).join(", ")} and ${words.length - 6} more` : words.join(", ");
}

/** Put a line of Python into an element, its comments, texts and words coloured. */
function coloured(text: string, into: HTMLElement): void {
  const token = /(#.*$)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|\b(def|class|return|for|in|if|else|import|from|with|as|lambda|not|and|or|None|True|False)\b|\b(\d[\d_.]*(?:e[+-]?\d+)?)\b/g;
  let last = 0;
  for (const match of text.matchAll(token)) {
    into.append(text.slice(last, match.index));
    const kind = match[1] ? "comment" : match[2] ? "text" : match[3] ? "word" : "figure";
    into.append(element("span", kind, match[0]));
    last = match.index + match[0].length;
  }
  into.append(text.slice(last), "\n");
}

new Page(JSON.parse(document.getElementById("data")!.textContent!) as Data, document.getElementById("page")!);
