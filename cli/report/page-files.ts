/** The script and the style sheet of a page. */
export interface PageFiles {
  script: string;
  style: string;
}

/** scripts/build-cli.ts puts both into the bundle. From source, which has the tools, they are built when a page is made. */
export async function readPageFiles(): Promise<PageFiles> {
  const { buildPage } = await import('../../scripts/build-page.ts');
  return await buildPage();
}
