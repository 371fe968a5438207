/** The script and the style sheet of a page. */
export interface PageFiles {
  script: string;
  style: string;
}

let built: Promise<PageFiles> | undefined;

/** scripts/build-cli.ts puts both into the bundle. From source, which has the tools, they are built once, when they are needed. */
export function readPageFiles(): Promise<PageFiles> {
  built ??= import('../../scripts/build-page.ts').then(({ buildPage }) => buildPage());
  return built;
}
