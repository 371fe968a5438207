import { Document, isScalar, visit } from 'yaml';
import { hasUnseen, UNSEEN } from '../../lib/base/json-text.ts';

/** Writes YAML and escapes every character that cannot be seen, since someone else may have written the policy. */
export function yamlOf(value: unknown): string {
  const document = new Document(value);
  visit(document, {
    Scalar: (_, node) => {
      // YAML has escapes only in double quotes.
      if (isScalar(node) && typeof node.value === 'string' && hasUnseen(node.value)) node.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString().replace(UNSEEN, inHex);
}

function inHex(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16);
  return hex.length > 4 ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`;
}
