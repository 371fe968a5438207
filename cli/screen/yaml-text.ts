import { Document, isScalar, visit } from 'yaml';
import { hasUnseen, UNSEEN } from '../../lib/base/json-text.ts';

/** YAML in which every character that cannot be seen is escaped: a policy may have been written by somebody else. */
export function yamlOf(value: unknown): string {
  const document = new Document(value);
  visit(document, {
    Scalar: (_, node) => {
      // Elsewhere YAML has no escapes.
      if (isScalar(node) && typeof node.value === 'string' && hasUnseen(node.value)) node.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString().replace(UNSEEN, inHex);
}

function inHex(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16);
  return hex.length > 4 ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`;
}
