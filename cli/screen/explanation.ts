import type { Explanation } from '../../lib/sweep/record/explanation.ts';
import type { CapReport } from '../../lib/sweep/record/report.ts';
import { explanationLines } from './explanation-lines.ts';
import { cleanText } from './text.ts';

/** Explains the verdict on a job to a person. */
export function formatExplanation(explanation: Explanation, caps: CapReport): string {
  return `${explanationLines(explanation, caps).map(cleanText).join('\n')}\n`;
}
