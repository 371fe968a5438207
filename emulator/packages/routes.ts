import * as v from 'valibot';
import { type Answer, dliError } from '../base/answer.ts';
import {
  flagField,
  matching,
  newUuid,
  parseBody,
  reader,
  refuseUnknownId,
  refuseUnknownWord,
  tagList,
} from '../base/query.ts';
import type { Route, RouteRequest } from '../base/service.ts';
import { type EmulatedPackage, PACKAGE_KINDS, type PackageKind, type PackageService } from './packages.ts';

/*
 * The packages of "Package Group-related APIs (Deprecated)". Airflow uploads files, and Terraform's `dli_package` uses all of
 * them but the list.
 */

const version = '/v2.0';

export const PACKAGE_ROUTES: readonly Route<PackageService>[] = [
  {
    name: 'upload-packages',
    method: 'POST',
    version,
    path: '/resources',
    run: uploadAny,
    standing: 'faithful',
    evidence: '"Uploading a Package Group"; Terraform `dli_package`. Nothing is read from OBS, so every path is there',
  },
  {
    name: 'upload-file-packages',
    method: 'POST',
    version,
    path: '/resources/files',
    run: (service, request) => uploadOf(service, request, 'file'),
    standing: 'faithful',
    evidence: '"Uploading a File Package Group"; Airflow. Nothing is read from OBS, so every path is there',
  },
  {
    name: 'upload-jar-packages',
    method: 'POST',
    version,
    path: '/resources/jars',
    run: (service, request) => uploadOf(service, request, 'jar'),
    standing: 'faithful',
    evidence: '"Uploading a JAR Package Group". Nothing is read from OBS, so every path is there',
  },
  {
    name: 'upload-python-packages',
    method: 'POST',
    version,
    path: '/resources/pyfiles',
    run: (service, request) => uploadOf(service, request, 'pyFile'),
    standing: 'faithful',
    evidence: '"Uploading a PyFile Package Group". Nothing is read from OBS, so every path is there',
  },
  {
    name: 'list-packages',
    method: 'GET',
    version,
    path: '/resources',
    run: listPackages,
    standing: 'faithful',
    evidence: '"Listing Package Groups"; there are no modules of the system',
  },
  {
    name: 'show-package',
    method: 'GET',
    version,
    path: '/resources/{resource_name}',
    run: showPackage,
    standing: 'faithful',
    evidence: '"Querying Resource Packages in a Group"; Terraform `dli_package`',
    assumes: ['unknownId'],
  },
  {
    name: 'delete-package',
    method: 'DELETE',
    version,
    path: '/resources/{resource_name}',
    run: deletePackage,
    standing: 'faithful',
    evidence: '"Deleting a Resource Package from a Group", with 404 for one that is not there; Terraform `dli_package`',
  },
  {
    name: 'change-package-owner',
    method: 'PUT',
    version,
    path: '/resources/owner',
    run: changeOwner,
    standing: 'faithful',
    evidence: '"Changing the Owner of a Group or Resource Package"; Terraform `dli_package`. All users exist',
    assumes: ['unknownId'],
  },
];

const common = {
  paths: v.pipe(v.array(v.pipe(v.string(), v.regex(/[^/]$/))), v.nonEmpty()),
  // Terraform's `dli_package` needs none.
  group: v.optional(v.string()),
  is_async: v.optional(flagField, false),
  tags: v.optional(tagList),
};

function uploadAny(service: PackageService, { body }: RouteRequest): Answer {
  const { fields, refusal } = parseBody(v.object({ ...common, kind: v.picklist(PACKAGE_KINDS) }), body);
  return fields === undefined ? refusal : upload(service, fields, fields.kind);
}

function uploadOf(service: PackageService, { body }: RouteRequest, kind: PackageKind): Answer {
  const { fields, refusal } = parseBody(v.object(common), body);
  return fields === undefined ? refusal : upload(service, fields, kind);
}

/** Uploads are over at once: "READY". A package that is there already is replaced. */
function upload(
  { packages, now, random }: PackageService,
  { paths, group, is_async: isAsync }: v.InferOutput<v.ObjectSchema<typeof common, undefined>>,
  kind: PackageKind,
): Answer {
  const uploaded = paths.map((path) => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const old = packages.find(name, group);
    if (old !== undefined) packages.remove(old);
    const one: EmulatedPackage = {
      name,
      kind,
      createdAt: old?.createdAt ?? now(),
      updatedAt: now(),
      owner: old?.owner ?? 'emulator',
      id: newUuid(random, (id) => packages.get(id) !== undefined),
      ...(group !== undefined && { group }),
    };
    packages.add(one);
    return one;
  });
  return { status: 201, body: { ...toGroup(uploaded), is_async: isAsync } };
}

function listPackages({ packages }: PackageService, request: RouteRequest): Answer {
  const get = reader(request);
  const refusal = refuseUnknownWord(get, { kind: PACKAGE_KINDS });
  if (refusal !== undefined) return refusal;
  const kind = get('kind');
  const found = matching<EmulatedPackage>(packages.all(), [[kind, (one) => one.kind === kind]]);
  const names = [...new Set(found.flatMap(({ group }) => group ?? []))];
  return {
    status: 200,
    body: {
      resources: found.filter(({ group }) => group === undefined).map(toRow),
      modules: [],
      groups: names.map((name) => toGroup(found.filter(({ group }) => group === name))),
      total: found.length,
    },
  };
}

function showPackage(service: PackageService, request: RouteRequest): Answer {
  const [name = ''] = request.params;
  const one = service.packages.find(name, reader(request)('group'));
  return one === undefined ? refuseUnknownId(service, 'package', name) : { status: 200, body: toRow(one) };
}

/** "Code 404 is returned if you initiate a request to delete a resource package that does not exist." */
function deletePackage({ packages }: PackageService, request: RouteRequest): Answer {
  const [name = ''] = request.params;
  const one = packages.find(name, reader(request)('group'));
  if (one === undefined) return dliError(404, 'DLI.0023', `The object does not exist: package ${name}`);
  packages.remove(one);
  return { status: 200, body: {} };
}

/** With a group alone, the owner of all its packages changes. */
function changeOwner(service: PackageService, { body }: RouteRequest): Answer {
  const { fields, refusal } = parseBody(
    v.object({
      new_owner: v.pipe(v.string(), v.regex(/^(?![0-9])[\w-]{5,32}$/)),
      group_name: v.optional(v.pipe(v.string(), v.regex(/^[\w.-]{1,64}$/))),
      resource_name: v.optional(v.string()),
    }),
    body,
  );
  if (fields === undefined) return refusal;
  const { group_name: group, resource_name: name } = fields;
  const meant = service.packages.all().filter((one) => one.group === group && (name ?? one.name) === one.name);
  if (meant.length === 0) return refuseUnknownId(service, 'package', name ?? group ?? '');
  for (const one of meant) one.owner = fields.new_owner;
  return { status: 200, body: { is_success: true, message: '' } };
}

function toRow(one: EmulatedPackage): Record<string, unknown> {
  return {
    create_time: one.createdAt,
    update_time: one.updatedAt,
    resource_type: one.kind,
    resource_name: one.name,
    status: 'READY',
    underlying_name: `${one.id}_${one.name}`,
    owner: one.owner,
  };
}

/** @param members the packages of one group, or those of one upload. */
function toGroup(members: readonly EmulatedPackage[]): Record<string, unknown> {
  const [first] = members;
  return {
    group_name: first?.group ?? '',
    status: 'READY',
    resources: members.map(({ name }) => name),
    details: members.map(toRow),
    create_time: Math.min(...members.map(({ createdAt }) => createdAt)),
    update_time: Math.max(...members.map(({ updatedAt }) => updatedAt)),
    is_async: false,
    owner: first?.owner ?? '',
  };
}
