import { type Data, NUMBER, type Rect, type SheetData, type Style } from "./data";
import { letters, shown } from "./formulas";

const MOST_ROWS = 3000;

/** One sheet as a table; a cell is found by row and column. */
export class SheetView {
  readonly table = document.createElement("table");
  private readonly cells = new Map<string, HTMLTableCellElement>();
  private readonly values = new Map<string, number>();
  private readonly spans = new Map<string, number>();  // how many columns a merged cell takes in each of its rows

  constructor(readonly data: SheetData, private readonly page: Data) {
    this.draw();
  }

  cell(row: number, column: number): HTMLTableCellElement | undefined {
    return this.cells.get(`${row},${column}`);
  }

  /** Put another number into a cell, coloured by how it has moved. */
  set(row: number, column: number, value: number | null, style: Style | undefined): void {
    const cell = this.cell(row, column);
    if (!cell) return;
    const key = `${row},${column}`, before = this.values.get(key);
    if (value === null) { cell.textContent = ""; this.values.delete(key); return; }
    cell.textContent = shown(value, style?.format, this.digits(column));
    this.values.set(key, value);
    cell.classList.toggle("up", before !== undefined && value > before);
    cell.classList.toggle("down", before !== undefined && value < before);
  }

  /** Colour cells by the colour scales of the sheet's conditional formats. */
  scale(): void {
    for (const { areas, points, colors } of this.data.scales) {
      const found: [HTMLTableCellElement, number][] = [];
      for (const [top, left, bottom, right] of areas) {
        for (let row = top; row <= bottom; row++) for (let column = left; column <= right; column++) {
          const cell = this.cell(row, column), value = this.values.get(`${row},${column}`);
          if (cell && value !== undefined) found.push([cell, value]);
          else cell?.classList.remove("filled");
        }
      }
      const sorted = found.map(([, value]) => value).sort((one, other) => one - other);
      if (!sorted.length) continue;
      const stops = points.map(([kind, value]) => {
        if (kind === "num") return value;
        const low = sorted[0], high = sorted[sorted.length - 1];
        if (kind === "percentile") return sorted[Math.round((value / 100) * (sorted.length - 1))];
        return kind === "max" ? high : kind === "percent" ? low + ((high - low) * value) / 100 : low;
      });
      for (const [cell, value] of found) {
        cell.style.setProperty("--fill", mixed(value, stops, colors));
        cell.style.setProperty("--own", "#000");
        cell.classList.add("filled", "inked");
      }
    }
  }

  /** Light cells of areas by a class; take the class from all others. */
  light(areas: Rect[], name: string): void {
    for (const cell of this.table.querySelectorAll(`.${name}`)) cell.classList.remove(name);
    for (const [sheet, top, left, bottom, right] of areas) {
      if (sheet !== this.data.name) continue;
      if ((bottom - top + 1) * (right - left + 1) > this.cells.size) {
        for (const [key, cell] of this.cells) {
          const [row, column] = key.split(",").map(Number);
          if (row >= top && row <= bottom && column >= left && column <= right) cell.classList.add(name);
        }
        continue;
      }
      for (let row = top; row <= bottom; row++) for (let column = left; column <= right; column++) this.cell(row, column)?.classList.add(name);
    }
  }

  private draw(): void {
    const rows = new Map<number, Map<number, (typeof this.data.cells)[number]>>();
    let width = 1;
    for (const cell of this.data.cells) {
      if (!rows.has(cell[0])) rows.set(cell[0], new Map());
      rows.get(cell[0])!.set(cell[1], cell);
      width = Math.max(width, cell[1]);
    }
    for (const [top, left, bottom, right] of this.data.merges) {
      for (let row = top; row <= bottom; row++) if (right > left) this.spans.set(`${row},${left}`, right - left + 1);
      width = Math.max(width, right);
    }
    const notes = new Map(this.data.notes.map(([row, column, words]) => [`${row},${column}`, words]));
    queueMicrotask(() => this.scale());
    const caption = this.table.createCaption();
    caption.textContent = this.data.name;
    const columns = document.createElement("colgroup");
    columns.append(document.createElement("col"));
    const head = this.table.createTHead().insertRow();
    head.append(heading("", "col"));
    for (let column = 1; column <= width; column++) {
      const one = document.createElement("col");
      one.style.width = `${this.pixels(column)}px`;
      columns.append(one);
      head.append(heading(letters(column), "col"));
    }
    this.table.prepend(columns);
    this.table.prepend(caption);
    const body = this.table.createTBody();
    let last = 0;
    for (const row of [...rows.keys()].sort((one, other) => one - other).slice(0, MOST_ROWS)) {
      for (let empty = Math.max(last + 1, row - 3); empty < row; empty++) this.row(body, empty, width, new Map(), notes);
      this.row(body, row, width, rows.get(row)!, notes);
      last = row;
    }
  }

  /** Put a text into a cell; it runs on over the empty cells at its right, as in a spreadsheet. */
  private write(cell: HTMLTableCellElement, text: string, column: number, width: number, cells: Map<number, SheetData["cells"][number]>, style: Style | undefined): void {
    let room = this.pixels(column);
    const empty = (at: number) => (cells.get(at)?.[3] ?? "") === "";
    if (!empty(column + 1) || style?.align === "center" || style?.align === "right") { cell.textContent = text; return; }
    for (let at = column + 1; at <= width + 30 && empty(at); at++) room += this.pixels(at);
    const run = document.createElement("span");
    run.style.maxWidth = `${room}px`;
    run.textContent = text;
    cell.classList.add("spilling");
    cell.append(run);
  }

  /** How many digits a column has room for. */
  private digits(column: number): number {
    return Math.floor(this.data.widths[String(column)] ?? 8.43);
  }

  private pixels(column: number): number {
    return Math.round((this.data.widths[String(column)] ?? 8.43) * 7 + 5);
  }

  private row(body: HTMLTableSectionElement, row: number, width: number, cells: Map<number, SheetData["cells"][number]>, notes: Map<string, string>): void {
    const line = body.insertRow();
    line.append(heading(String(row), "row"));
    for (let column = 1; column <= width; column++) {
      const cell = line.insertCell();
      cell.dataset.row = String(row);
      cell.dataset.column = String(column);
      const found = cells.get(column);
      const key = `${row},${column}`;
      const span = this.spans.get(key) ?? 1;
      if (span > 1) cell.colSpan = span;
      for (let at = column; at < column + span; at++) this.cells.set(`${row},${at}`, cell);
      column += span - 1;
      if (!found) continue;
      const style = this.page.styles[found[4]] as Style | undefined;
      if (typeof found[3] === "number" && found[2] === NUMBER) {
        cell.textContent = shown(found[3], style?.format, this.digits(column));
        cell.classList.add("number");
        this.values.set(key, found[3]);
      } else if (found[3] !== null) {
        const text = typeof found[3] === "boolean" ? String(found[3]).toUpperCase() : String(found[3]);
        if (style?.turned !== undefined) turn(cell, text, style.turned);
        else if (span > 1) cell.textContent = text;
        else if (text !== "") this.write(cell, text, column, width, cells, style);
      }
      if (style) dress(cell, style);
      const note = notes.get(key);
      if (note !== undefined) {
        cell.classList.add("noted");
        cell.title = note;
      }
    }
  }
}

function mixed(value: number, stops: number[], colors: string[]): string {
  let at = 0;
  while (at < stops.length - 2 && value > stops[at + 1]) at++;
  const part = Math.max(0, Math.min(1, (value - stops[at]) / (stops[at + 1] - stops[at] || 1)));
  const channel = (color: string, place: number) => parseInt(color.slice(2 * place, 2 * place + 2), 16);
  const parts = [0, 1, 2].map((place) => Math.round(channel(colors[at], place) * (1 - part) + channel(colors[at + 1], place) * part));
  return `rgb(${parts.join(",")})`;
}

/** Put a text into a cell that is read from top to bottom, or from bottom to top. */
function turn(cell: HTMLTableCellElement, text: string, down: boolean): void {
  const run = document.createElement("span");
  run.textContent = text;
  cell.classList.add(down ? "down-turned" : "up-turned");
  cell.append(run);
}

function heading(text: string, scope: string): HTMLTableCellElement {
  const cell = document.createElement("th");
  cell.textContent = text;
  cell.scope = scope;
  return cell;
}

function dress(cell: HTMLTableCellElement, style: Style): void {
  if (style.bold) cell.style.fontWeight = "bold";
  if (style.italic) cell.style.fontStyle = "italic";
  if (style.fill) {
    cell.style.setProperty("--fill", `#${style.fill}`);
    cell.classList.add("filled");
    cell.style.setProperty("--own", `#${style.color ?? "000000"}`);
    cell.classList.add("inked");
  } else if (style.color) {
    cell.style.setProperty("--own", `#${style.color}`);
    cell.classList.add("inked");
  }
  if (style.align) cell.style.textAlign = style.align;
}
