import type { Service } from '../base/service.ts';
import { Store } from '../base/store.ts';

/** A file that batches and Flink jobs can use. The emulator only keeps its name: there is no OBS, and no job runs. */
export interface EmulatedPackage {
  name: string;
  /** undefined: it is in no group. */
  group?: string;
  kind: PackageKind;
  /** Epoch ms. */
  createdAt: number;
  updatedAt: number;
  owner: string;
  /** UUID in the name that the queues know it by. */
  id: string;
}

export const PACKAGE_KINDS = ['jar', 'pyFile', 'file', 'modelFile'] as const;
export type PackageKind = (typeof PACKAGE_KINDS)[number];

/** The packages of one project, the oldest first. */
export class PackageStore extends Store<EmulatedPackage> {
  constructor() {
    super(
      ({ id }) => id,
      ({ createdAt }) => createdAt,
    );
  }

  /** Finds a package by its name and group, in the case of its letters. */
  find(name: string, group: string | undefined): EmulatedPackage | undefined {
    return this.all().find((one) => one.name === name && one.group === group);
  }
}

/** What the routes of the packages need. */
export type PackageService = Service & { packages: PackageStore };
