/**
 * Style properties of an element, set through the object model: a style
 * attribute would be refused by the content security policy.
 *
 *     html`<div ${css({ '--part': '0.5' })}></div>`
 */
import { directive, Directive, PartType, type ElementPart, type PartInfo } from 'lit/directive.js';

class Css extends Directive {
  constructor(info: PartInfo) {
    super(info);
    if (info.type !== PartType.ELEMENT) throw new Error('css() belongs on an element');
  }
  override render(_: Readonly<Record<string, string>>): void {}
  override update(part: ElementPart, [props]: [Readonly<Record<string, string>>]): void {
    const style = (part.element as HTMLElement).style;
    for (const [name, value] of Object.entries(props)) {
      if (style.getPropertyValue(name) !== value) style.setProperty(name, value);
    }
  }
}
export const css = directive(Css);
