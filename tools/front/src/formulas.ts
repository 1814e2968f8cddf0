import type { Group, Rect, Reference } from "./data";

/** Return a column's letters: 27 is AA. */
export function letters(column: number): string {
  let text = "";
  for (let rest = column; rest > 0; rest = Math.floor((rest - 1) / 26)) text = String.fromCharCode(65 + ((rest - 1) % 26)) + text;
  return text;
}

export function quoted(sheet: string): string {
  return /^[A-Za-z_][\w.]*$/.test(sheet) && !/^[A-Za-z]{1,3}\d+$/.test(sheet) ? sheet : `'${sheet.replace(/'/g, "''")}'`;
}

export function address(rect: Rect): string {
  const first = letters(rect[2]) + rect[1], last = letters(rect[4]) + rect[3];
  return `${quoted(rect[0])}!${first === last ? first : `${first}:${last}`}`;
}

function edges(ref: Reference, row: number, column: number): number[] {
  return ref.e.map((edge, place) => (ref.a[place] ? edge : edge + (place % 2 ? column : row)));
}

/** Return what a group's formula reads in one of its cells. */
export function reads(group: Group, row: number, column: number): Rect[] {
  return group.refs.map((ref) => {
    const [top, left, bottom, right] = edges(ref, row, column);
    return [ref.s ?? group.sheet, Math.min(top, bottom), Math.min(left, right), Math.max(top, bottom), Math.max(left, right)];
  });
}

function spelled(ref: Reference, row: number, column: number): string {
  if (ref.t !== null) return ref.t;
  const [top, left, bottom, right] = edges(ref, row, column);
  const mark = (place: number) => (ref.a[place] ? "$" : "");
  const first = `${mark(1)}${letters(left)}${mark(0)}${top}`, last = `${mark(3)}${letters(right)}${mark(2)}${bottom}`;
  const single = top === bottom && left === right;
  return `${ref.s === null ? "" : `${quoted(ref.s)}!`}${single ? first : `${first}:${last}`}`;
}

/** Return a group's formula as it stands in one of its cells. */
export function formula(group: Group, row: number, column: number): string {
  let text = group.text[0];
  group.refs.forEach((ref, place) => { text += spelled(ref, row, column) + group.text[place + 1]; });
  return group.array ? `{=${text}}` : `=${text}`;
}

export function within(rect: Rect, sheet: string, row: number, column: number): boolean {
  return rect[0] === sheet && row >= rect[1] && row <= rect[3] && column >= rect[2] && column <= rect[4];
}

/** Return a number without a format of its own, in as many digits as its column has room for. */
function general(value: number, room: number): string {
  let text = String(Number(value.toPrecision(7)));
  for (let digits = 6; text.length > room && digits > 0; digits--) text = String(Number(value.toPrecision(digits)));
  return text;
}

/** Return what a piece of a number format stands for as it is: text in quotes, an escaped letter, a currency. */
function literal(piece: string): string {
  if (piece[0] === '"') return piece.slice(1, -1);
  if (piece[0] === "[") return /^\[\$([^\]-]*)/.exec(piece)?.[1] ?? "";
  if (piece[0] === "\\") return piece.slice(1);
  return piece[0] === "_" ? " " : piece[0] === "*" ? "" : piece;
}

/** Return the text before a format's digits, the digits, and the text behind them. */
function parted(section: string): [string, string, string] {
  let before = "", digits = "", behind = "";
  for (const [piece] of section.matchAll(/"[^"]*"|\[[^\]]*\]|[\\_*].|E[+-](?=0)|[^]/gi)) {
    if (/^(?:[0#?.]|E[+-])/i.test(piece) || (piece === "," && digits)) digits += piece;
    else if (digits) behind += literal(piece);
    else before += literal(piece);
  }
  return [before, digits, behind];
}

/** Return a number as its cell's format shows it, in a column of some digits' width. */
export function shown(value: number, format: string | undefined, room: number): string {
  if (format === undefined) return general(value, room);
  const sections = format.split(/;(?=(?:[^"]*"[^"]*")*[^"]*$)/);
  const place = value < 0 && sections.length > 1 ? 1 : value === 0 && sections.length > 2 ? 2 : 0;
  const part = sections[place] || format;
  const bare = part.replace(/"[^"]*"|\[[^\]]*\]|[\\_*].|E[+-](?=0)/gi, "");
  if (/[a-z@]/i.test(bare) || !/[0#?]/.test(bare)) return general(value, room);
  const [before, digits, behind] = parted(part);
  const places = /\.([0#?]+)/.exec(digits)?.[1].length ?? 0;
  const size = Math.abs(value) * (bare.includes("%") ? 100 : 1);
  const exponent = /E[+-]/i.test(digits);
  const least = /^[^.]*/.exec(digits)?.[0].replace(/[^0]/g, "").length ?? 0;
  const [whole, ...rest] = (exponent ? size.toExponential(places) : size.toFixed(places)).split(".");
  const text = [exponent ? whole : whole.padStart(least, "0"), ...rest].join(".");
  const grouped = !exponent && digits.includes(",") ? text.replace(/\B(?=(\d{3})+(?!\d))(?<!\..*)/g, ",") : text;
  return (value < 0 && place === 0 && Number(text) !== 0 ? "-" : "") + before + grouped + behind;
}
