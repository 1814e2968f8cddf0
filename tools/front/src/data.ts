/** What the page is given; embedsheet/translations/coder/viewer/page.py writes it. */
export type Rect = [sheet: string, top: number, left: number, bottom: number, right: number];
export type CellData = [row: number, column: number, kind: number, value: number | string | boolean | null, style: number];
export interface Style { bold?: boolean; italic?: boolean; color?: string; fill?: string; format?: string; align?: string; turned?: boolean }
export interface SheetData {
  name: string; cells: CellData[]; widths: Record<string, number>;
  scales: Scale[]; notes: [number, number, string][]; merges: [number, number, number, number][];
}
export interface Scale { areas: [number, number, number, number][]; points: [kind: string, value: number][]; colors: string[] }
export interface Reference { s: string | null; t: string | null; e: number[]; a: number[] }
export interface Group { text: string[]; refs: Reference[]; cells: [number, number, number, number][]; sheet: string; array: boolean }
export interface Block { names: string[]; lines: [number, number]; role: string; formula: string; areas: Rect[] }
export interface Code { text: string; blocks: Block[] }
export interface Film {
  title: string; step: string; losses: number[]; at: number[]; names: string[]; words: string;
  cells: Record<string, [string, number[], number[]]>; frames: (number | null)[][][];
}
export interface Data {
  title: string; sheets: SheetData[]; styles: Style[]; groups: Group[]; codes: Record<string, Code>;
  films: Film[]; notes: string[];
}
export const NUMBER = 1;
