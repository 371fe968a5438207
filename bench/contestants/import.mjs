// Prints how long the import of a file takes, ms: node import.mjs FILE
const startedAt = performance.now();
await import(process.argv[2]);
process.stdout.write(String(performance.now() - startedAt), () => process.exit());
