// One part of CHANGELOG.md.

/** @returns what stands under the heading of a version, such as `0.1.0`, or under `Unreleased`; undefined without one. */
export function changesOf(changelog: string, version: string): string | undefined {
  const parts = changelog.split(/^## /m).slice(1);
  const part = parts.find((text) => (/^\[?([^\]\s]+)/.exec(text) ?? [])[1] === version);
  return part === undefined ? undefined : `## ${part.trim()}\n`;
}
