/** Drawn once; each stands beside a word, never alone. */
import { svg, type SVGTemplateResult } from 'lit';
import { html, type TemplateResult } from 'lit';

const shape = (body: SVGTemplateResult): TemplateResult =>
  html`<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">${body}</svg>`;

export const stepIcon = shape(svg`<path d="M5 3l7 5-7 5z" fill="currentColor"/>`);
export const backIcon = shape(svg`<path d="M11 3L4 8l7 5z" fill="currentColor"/>`);
export const startIcon = shape(svg`<path d="M13 3L6.500 8l6.500 5zM3 3h1.800v10H3z" fill="currentColor"/>`);
export const runIcon = shape(svg`<path d="M3 3l6.500 5L3 13zM11.200 3H13v10h-1.800z" fill="currentColor"/>`);
export const nextIcon = shape(svg`<path d="M2 3l5.500 5L2 13zM8 3l5.500 5L8 13z" fill="currentColor"/>`);
export const prevIcon = shape(svg`<path d="M14 3L8.500 8l5.500 5zM8 3L2.500 8 8 13z" fill="currentColor"/>`);
export const fullIcon = shape(svg`<path d="M9.500 1L3 9.200h4L6 15l7-8.600H8.600z" fill="currentColor"/>`);
export const chevron = shape(svg`<path d="M4 6.500l4 4 4-4" fill="none" stroke="currentColor" stroke-width="1.500"/>`);

export const mark = html`<svg class="mark" viewBox="0 0 32 32" width="22" height="22" aria-hidden="true" focusable="false">
  <g fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round">
    <path d="M3 22a13 13 0 0 1 26 0"/><path d="M9 22a7 7 0 0 1 14 0"/><path d="M3 27q3.250-2.600 6.500 0t6.500 0 6.500 0 6.500 0"/>
  </g></svg>`;
