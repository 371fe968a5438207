export async function runPlanFrom(_a: unknown, _b: unknown, _c: unknown): Promise<number> {
  return 1;
}
export async function runExplainFrom(_a: unknown, _b: unknown, _c: unknown, _d: unknown): Promise<number> {
  return 1;
}
