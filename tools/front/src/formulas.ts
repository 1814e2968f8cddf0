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

/** Return a number as its cell's format shows it, in a column of some digits' width. */
export function shown(value: number, format: string | undefined, room: number): string {
  if (format === undefined) return general(value, room);
  const part = format.split(";")[value < 0 && format.includes(";") ? 1 : 0] || format;
  const places = /[0#?]\.([0#?]+)/.exec(part)?.[1].length ?? 0;
  if (part.includes("%")) return `${(100 * value).toFixed(places)}%`;
  if (/E[+-]/i.test(part)) return value.toExponential(places);
  if (!/[0#?]/.test(part)) return general(value, room);
  const text = Math.abs(value).toFixed(places);
  const grouped = part.includes(",") ? text.replace(/\B(?=(\d{3})+(?!\d))/, ",") : text;
  return (value < 0 && Number(text) !== 0 ? "-" : "") + grouped;
}
