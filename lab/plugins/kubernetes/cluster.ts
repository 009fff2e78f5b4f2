/** The cluster that a provider serves: its kinds, its objects, and whether it answers. */
import type { KubeConfig } from "@kubernetes/client-node";
import { ApiError, type Call, Connection, UnreachableError } from "./connection";
import { type KubeObject, at, listAt, textAt, without } from "./object";

/** Settings of a provider that resources look at. */
export interface Settings {
  /** Namespace of namespaced objects that name none; undefined = the API's own default. */
  namespace: string | undefined;
  deleteUnreachable: boolean;
  skipUpdateUnreachable: boolean;
  enablePatchForce: boolean;
  upsertExistingObjects: boolean;
  enableConfigMapMutable: boolean;
  enableSecretMutable: boolean;
}

/** Every switch off, as without any configuration. */
export const DEFAULT_SETTINGS: Settings = {
  namespace: undefined,
  deleteUnreachable: false,
  skipUpdateUnreachable: false,
  enablePatchForce: false,
  upsertExistingObjects: false,
  enableConfigMapMutable: false,
  enableSecretMutable: false,
};

/** A kind as the API server serves it. */
export interface Kind {
  plural: string;
  namespaced: boolean;
}

/** Where an object lives. */
export interface Place {
  apiVersion: string;
  kind: string;
  namespace?: string | undefined;
  name: string;
}

/** No such kind: most often a custom resource whose definition isn't there. */
export class NoSuchKindError extends Error {
  constructor(apiVersion: string, kind: string) {
    super(
      `the API server knows no kind ${kind} in ${apiVersion}; is the CustomResourceDefinition that brings it there?`,
    );
    this.name = "NoSuchKindError";
  }
}

/** Options of a server-side apply. */
export interface ApplyOptions {
  fieldManager: string;
  force: boolean;
  dryRun: boolean;
  signal?: AbortSignal | undefined;
  onRetry?: (reason: string) => void;
}

/** A cluster. Asks for kinds once; a kind that was missing is asked for again. */
export class Cluster {
  readonly connection: Connection;
  private readonly kinds = new Map<string, Map<string, Kind>>();
  private reachable: Promise<string | undefined> | undefined;

  constructor(
    readonly kubeconfig: KubeConfig,
    readonly settings: Settings,
    /** Why there is no usable kubeconfig; such a cluster counts as unreachable. */
    private readonly broken?: string,
    /** How long the first contact may take, in seconds; the connection's own limit by default. */
    firstContactSeconds?: number,
  ) {
    this.connection = new Connection(kubeconfig, firstContactSeconds);
  }

  /** Why the cluster can't be reached, or undefined when it answers. Found out once per process. */
  unreachable(): Promise<string | undefined> {
    if (this.broken !== undefined) return Promise.resolve(this.broken);
    this.reachable ??= this.connection.send({ method: "GET", path: "/version" }).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    return this.reachable;
  }

  /** Throws an error that says what to do when the cluster doesn't answer. */
  async mustReach(): Promise<void> {
    let reason = await this.unreachable();
    // Since it was found unreachable it may have come up: before giving up, ask once more.
    if (reason !== undefined) {
      this.reachable = undefined;
      reason = await this.unreachable();
    }
    if (reason !== undefined) throw new Error(`configured Kubernetes cluster is unreachable: ${reason}`);
  }

  /** Version of the API server, e.g. `v1.35.4`. */
  async version(): Promise<string> {
    return textAt(await this.connection.send({ method: "GET", path: "/version" }), "gitVersion");
  }

  /** A kind; undefined when the server doesn't have it. */
  async kind(apiVersion: string, kind: string): Promise<Kind | undefined> {
    const known = this.kinds.get(apiVersion)?.get(kind);
    if (known) return known;
    try {
      const list = await this.connection.send({ method: "GET", path: groupPath(apiVersion) });
      const found = listAt(list, "resources").filter((resource) => !textAt(resource, "name").includes("/"));
      const kinds = found.map((resource): [string, Kind] => [
        textAt(resource, "kind"),
        { plural: textAt(resource, "name"), namespaced: at(resource, "namespaced") === true },
      ]);
      this.kinds.set(apiVersion, new Map(kinds));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return this.kinds.get(apiVersion)?.get(kind);
  }

  /** Whether a kind has namespaces; undefined when that can't be known (no such kind yet, no answer). */
  async namespaced(apiVersion: string, kind: string): Promise<boolean | undefined> {
    if ((await this.unreachable()) !== undefined) return undefined;
    return (await this.kind(apiVersion, kind))?.namespaced;
  }

  /** Path of an object. */
  async path({ apiVersion, kind, namespace, name }: Place): Promise<string> {
    const found = await this.kind(apiVersion, kind);
    if (!found) throw new NoSuchKindError(apiVersion, kind);
    const inside = found.namespaced ? `/namespaces/${encodeURIComponent(namespace ?? "default")}` : "";
    return `${groupPath(apiVersion)}${inside}/${found.plural}/${encodeURIComponent(name)}`;
  }

  /** An object, or undefined when it isn't there. */
  async get(place: Place, signal?: AbortSignal): Promise<KubeObject | undefined> {
    try {
      return (await this.connection.send({ method: "GET", path: await this.path(place), signal })) as KubeObject;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** The objects at a path, e.g. `/api/v1/namespaces/x/pods`. */
  async list(path: string, query: Call["query"] = {}, signal?: AbortSignal): Promise<KubeObject[]> {
    return listAt(await this.connection.send({ method: "GET", path, query, signal }), "items") as KubeObject[];
  }

  /** Server-side apply with strict field validation. */
  async apply(object: KubeObject, options: ApplyOptions): Promise<KubeObject> {
    const place = placeOf(object);
    const namespaced = (await this.kind(object.apiVersion, object.kind))?.namespaced;
    return (await this.connection.send({
      method: "PATCH",
      path: await this.path(place),
      query: {
        fieldManager: options.fieldManager,
        force: String(options.force),
        fieldValidation: "Strict",
        dryRun: options.dryRun ? "All" : undefined,
      },
      body: namespaced === false ? { ...object, metadata: without(object.metadata, "namespace") } : object,
      contentType: "application/apply-patch+yaml",
      signal: options.signal,
      ...(options.onRetry ? { onRetry: options.onRetry } : {}),
    })) as KubeObject;
  }

  /** Asks for the removal of an object; it being gone already is fine. */
  async remove(place: Place, propagation: string, uid: string | undefined, signal?: AbortSignal): Promise<void> {
    const body = {
      apiVersion: "v1",
      kind: "DeleteOptions",
      propagationPolicy: propagation,
      ...(uid ? { preconditions: { uid } } : {}),
    };
    try {
      await this.connection.send({ method: "DELETE", path: await this.path(place), body, signal });
    } catch (error) {
      // With another uid the object that was ours is gone.
      if (isNotFound(error) || (uid && error instanceof ApiError && error.code === 409)) return;
      throw error;
    }
  }
}

/** Place of an object. */
export function placeOf(object: KubeObject): Place {
  const { namespace, name } = object.metadata;
  return { apiVersion: object.apiVersion, kind: object.kind, namespace, name };
}

function groupPath(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

/** Whether an error says that the thing, or its kind, isn't there. */
export function isNotFound(error: unknown): boolean {
  return (error instanceof ApiError && error.code === 404) || error instanceof NoSuchKindError;
}

/** Whether an error says that nobody answers. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof UnreachableError;
}
