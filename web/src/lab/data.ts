/** What the page holds for its script (web.Lab in Go), and where things are. */
import type { Privilege } from '../engine/zprotocol';

export interface LabSource {
  readonly lang: 'c' | 'asm';
  readonly file: string;
  readonly text: string;
  /** Ranges of lines from 1, both ends included; none: all lines. */
  readonly editable?: readonly (readonly [number, number])[];
}

/** A number that is drawn for each student, from lo to hi: $NAME in the texts of an exercise. */
export interface LabDraw {
  readonly name: string;
  readonly lo: number;
  readonly hi: number;
}

export interface LabExercise {
  readonly id: string;
  readonly title: string;
  readonly draws?: readonly LabDraw[];
  readonly starters: readonly LabSource[];
  readonly setup: string;
  readonly trace: string;
  /** Without its hidden cases. */
  readonly grade: string;
  /** How many cases only the server tries. */
  readonly hidden?: number;
  /** Why a real kernel may grade otherwise. */
  readonly disagree?: string;
}

export interface LabOption {
  readonly html: string;
  /** Of choose: a Choice, see seal.ts. */
  readonly seal?: string;
}

export interface Choice {
  readonly right: boolean;
  readonly why: string;
}

export interface LabQuestion {
  readonly id: string;
  readonly kind: 'choose' | 'order' | 'predict' | 'click';
  readonly points: number;
  readonly options?: readonly LabOption[];
  /** Of choose: one answer is right. */
  readonly one?: boolean;
  readonly source?: string;
  readonly at?: string;
  readonly after?: boolean;
  readonly reg?: string;
  /** Of order: for each option its place (number[]); of click: the instruction (string). See seal.ts. */
  readonly seal?: string;
}

export interface Lab {
  readonly id: string;
  readonly code: string;
  readonly title: string;
  readonly privilege: Privilege;
  readonly kernels: readonly string[];
  readonly exercises: readonly LabExercise[] | null;
  readonly questions: readonly LabQuestion[] | null;
}

/** The lab of this page; null on other pages. */
export const lab: Lab | null = (() => {
  const text = document.getElementById('lab-data')?.textContent;
  return text == null ? null : JSON.parse(text) as Lab;
})();

/** A path of the site, from its top. */
export const site = (path: string): URL => new URL(path, import.meta.url);
