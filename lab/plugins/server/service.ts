/** The engine's protocol (pulumi/provider.proto) on one side, a `Provider` on the other. */
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { PluginInfo, type PluginAttach } from "@pulumi/pulumi/proto/plugin_pb";
import * as rpc from "@pulumi/pulumi/proto/provider_pb";
import { type Decoded, type Path, decode, encode, markSecrets } from "./codec";
import type { Engine } from "./engine";
import {
  checkConfiguration,
  checkResource,
  configurationOf,
  diffInputs,
  diffResource,
  previewResource,
  refuseUnknown,
  resourceType,
} from "./lifecycle";
import { Operations } from "./operation";
import { type AnyResourceType, type Context, type Difference, type Failure, PartialError } from "./provider";
import type { Provider } from "./provider";
import type { Properties } from "./values";

/** What requests about one resource have in common. */
interface ResourceRequest {
  getUrn(): string;
  getName(): string;
  getType(): string;
}

/** Serves one provider to one engine; each method answers one call of the protocol. */
export class ProviderService {
  private config: unknown = {};
  private readonly operations: Operations;

  constructor(
    private readonly provider: Provider,
    private readonly engine: Engine,
  ) {
    this.operations = new Operations(engine);
  }

  handshake(request: rpc.ProviderHandshakeRequest): rpc.ProviderHandshakeResponse {
    this.engine.connect(request.getEngineAddress());
    const response = new rpc.ProviderHandshakeResponse();
    response.setAcceptSecrets(true);
    response.setAcceptResources(true);
    return response;
  }

  attach(request: PluginAttach): Empty {
    this.engine.connect(request.getAddress());
    return new Empty();
  }

  getPluginInfo(): PluginInfo {
    const info = new PluginInfo();
    info.setVersion(this.provider.version);
    return info;
  }

  /** Names the package as the lab's; the types themselves are described by the npm package. */
  getSchema(): rpc.GetSchemaResponse {
    const { name, version } = this.provider;
    const description = `lab: stands in for the ${name} provider with the resource types that daybreak uses`;
    const response = new rpc.GetSchemaResponse();
    response.setSchema(JSON.stringify({ name, version, description, publisher: "daybreak lab" }));
    return response;
  }

  async checkConfig(request: rpc.CheckRequest): Promise<rpc.CheckResponse> {
    const [news, olds] = [decode(request.getNews()), decode(request.getOlds())];
    const failures = await this.operations.run(this.subject(request, { secrets: news.secrets }), {}, (ctx) =>
      checkConfiguration(this.provider, news.values, request.getOlds() && olds.values, ctx),
    );
    return checkResponse(news.values, failures, news.secrets);
  }

  async diffConfig(request: rpc.DiffRequest): Promise<rpc.DiffResponse> {
    const olds = configurationOf(this.provider, decode(request.getOldInputs() ?? request.getOlds()).values);
    const news = configurationOf(this.provider, decode(request.getNews()).values);
    const difference = await this.operations.run(this.subject(request), {}, (ctx) =>
      this.provider.diffConfig
        ? this.provider.diffConfig(olds, news, ctx)
        : diffInputs(this.provider.configuration ?? {}, olds, news),
    );
    return diffResponse(difference, olds, news);
  }

  async configure(request: rpc.ConfigureRequest): Promise<rpc.ConfigureResponse> {
    const { values, secrets } = decode(request.getArgs());
    const config = configurationOf(this.provider, values);
    const subject = {
      urn: request.getUrn() ?? "",
      type: request.getType() ?? "",
      name: request.getName() ?? "",
      secrets,
    };
    this.config = await this.operations.run(subject, {}, (ctx) => {
      const { name, version } = this.provider;
      ctx.log("debug", `the lab's plugin stands in for ${name} ${version}`);
      return this.provider.configure ? this.provider.configure(config, ctx) : config;
    });
    const response = new rpc.ConfigureResponse();
    response.setAcceptsecrets(true);
    response.setAcceptresources(true);
    response.setSupportspreview(true);
    return response;
  }

  async invoke(request: rpc.InvokeRequest): Promise<rpc.InvokeResponse> {
    const token = request.getTok();
    const { values } = decode(request.getArgs());
    const subject = { urn: "", type: token, name: "", preview: request.getPreview() };
    const result = await this.operations.run(subject, this.config, (ctx) => {
      const work = this.provider.functions?.[token];
      if (!work) throw new Error(`the lab's ${this.provider.name} plugin does not serve the function ${token}`);
      return work(values, ctx);
    });
    const response = new rpc.InvokeResponse();
    response.setReturn(encode(result));
    return response;
  }

  async check(request: rpc.CheckRequest): Promise<rpc.CheckResponse> {
    const [news, olds] = [decode(request.getNews()), decode(request.getOlds())];
    const { inputs, failures } = await this.run(request, { secrets: news.secrets }, (type, ctx) =>
      checkResource(type, news.values, request.getOlds() && olds.values, ctx),
    );
    return checkResponse(inputs, failures, [...news.secrets, ...this.secretInputs(request)]);
  }

  async diff(request: rpc.DiffRequest): Promise<rpc.DiffResponse> {
    const [state, news] = [decode(request.getOlds()), decode(request.getNews())];
    const inputs = decode(request.getOldInputs() ?? request.getOlds());
    const old = { id: request.getId(), state: state.values, inputs: inputs.values };
    const difference = await this.run(request, { secrets: news.secrets }, (type, ctx) =>
      diffResource(type, old, news.values, ctx),
    );
    return diffResponse(difference, old.inputs, news.values);
  }

  async create(request: rpc.CreateRequest): Promise<rpc.CreateResponse> {
    const inputs = decode(request.getProperties());
    const options = { preview: request.getPreview(), timeoutSeconds: request.getTimeout(), secrets: inputs.secrets };
    const mark = this.marker(request, inputs.secrets);
    const { id, state } = await this.run(request, options, async (type, ctx) => {
      if (ctx.preview) return { id: "", state: await previewResource(type, inputs.values, ctx) };
      refuseUnknown(inputs.values, `the creation of ${ctx.name}`);
      return type.create(inputs.values, ctx).catch(markPartial(mark));
    });
    const response = new rpc.CreateResponse();
    response.setId(id);
    response.setProperties(encode(mark(state)));
    return response;
  }

  async read(request: rpc.ReadRequest): Promise<rpc.ReadResponse> {
    const [state, inputs] = [decode(request.getProperties()), decode(request.getInputs())];
    const existing = { id: request.getId(), state: state.values, inputs: inputs.values };
    const options = { timeoutSeconds: request.getTimeout(), secrets: inputs.secrets };
    const found = await this.run(request, options, (type, ctx) => (type.read ? type.read(existing, ctx) : existing));
    const response = new rpc.ReadResponse();
    // No id says that it is gone.
    if (!found) return response;
    const mark = this.marker(request, [...state.secrets, ...inputs.secrets]);
    response.setId(found.id);
    response.setProperties(encode(mark(found.state)));
    response.setInputs(encode(markSecrets(found.inputs ?? inputs.values, inputs.secrets)));
    return response;
  }

  async update(request: rpc.UpdateRequest): Promise<rpc.UpdateResponse> {
    const [state, news] = [decode(request.getOlds()), decode(request.getNews())];
    const inputs = decode(request.getOldInputs() ?? request.getOlds());
    const old = { id: request.getId(), state: state.values, inputs: inputs.values };
    const options = { preview: request.getPreview(), timeoutSeconds: request.getTimeout(), secrets: news.secrets };
    // An output that was secret stays so: it may hold what an input of the last run held.
    const mark = this.marker(request, [...keptSecrets(state, news.values), ...news.secrets]);
    const updated = await this.run(request, options, async (type, ctx) => {
      if (ctx.preview) return previewResource(type, news.values, ctx, old);
      refuseUnknown(news.values, `the update of ${ctx.name}`);
      if (!type.update) throw new Error(`${ctx.type} can't be changed in place`);
      return type.update(old, news.values, ctx).catch(markPartial(mark));
    });
    const response = new rpc.UpdateResponse();
    response.setProperties(encode(mark(updated)));
    return response;
  }

  async delete(request: rpc.DeleteRequest): Promise<Empty> {
    const [state, inputs] = [decode(request.getProperties()), decode(request.getOldInputs())];
    const existing = { id: request.getId(), state: state.values, inputs: inputs.values };
    await this.run(request, { timeoutSeconds: request.getTimeout(), secrets: inputs.secrets }, (type, ctx) =>
      type.delete?.(existing, ctx),
    );
    return new Empty();
  }

  /** Answers at once; the calls under way end by themselves. */
  cancel(): Empty {
    this.operations.cancel();
    return new Empty();
  }

  private run<T>(
    request: ResourceRequest,
    options: { preview?: boolean; timeoutSeconds?: number; secrets?: readonly Path[] },
    work: (type: AnyResourceType, ctx: Context) => T | Promise<T>,
  ): Promise<T> {
    const subject = this.subject(request, options);
    const type = resourceType(this.provider, subject.type);
    const timeoutSeconds = options.timeoutSeconds || type.timeoutSeconds;
    return this.operations.run({ ...subject, timeoutSeconds }, this.config, (ctx) => work(type, ctx));
  }

  private subject(request: ResourceRequest, options: object = {}) {
    const urn = request.getUrn();
    // urn:pulumi:<stack>::<project>::<types, joined with $>::<name>; older engines send only that.
    const [, , types = "", ...name] = urn.split("::");
    const type = request.getType() || (types.split("$").pop() ?? "");
    return { ...options, urn, type, name: request.getName() || name.join("::") };
  }

  /** Marks what is secret in a state: what was in the inputs, and what the type says always is. */
  private marker(request: ResourceRequest, secrets: readonly Path[]): (state: object) => Properties {
    const type = resourceType(this.provider, this.subject(request).type);
    const always = (type.secretOutputs ?? []).map((key) => [key]);
    return (state) => markSecrets(state, [...always, ...this.secretInputs(request), ...secrets]);
  }

  private secretInputs(request: ResourceRequest): Path[] {
    const { inputs = {} } = resourceType(this.provider, this.subject(request).type);
    return Object.keys(inputs).flatMap((key) => (inputs[key]?.secret ? [[key]] : []));
  }
}

function keptSecrets(state: Decoded, news: Properties): Path[] {
  return state.secrets.filter(([key]) => !(String(key) in news));
}

function markPartial(mark: (state: object) => object) {
  return (error: unknown): never => {
    if (!(error instanceof PartialError)) throw error;
    const inputs = error.inputs && mark(error.inputs);
    throw new PartialError(error.id, mark(error.state), error.reasons, inputs);
  };
}

function checkResponse(inputs: object, failures: Failure[], secrets: readonly Path[]): rpc.CheckResponse {
  const response = new rpc.CheckResponse();
  response.setInputs(encode(markSecrets(inputs, secrets)));
  for (const { property, reason } of failures) {
    const failure = new rpc.CheckFailure();
    failure.setProperty(property);
    failure.setReason(reason);
    response.addFailures(failure);
  }
  return response;
}

function diffResponse(difference: Difference, olds: Properties, news: Properties): rpc.DiffResponse {
  const { DIFF_SOME, DIFF_NONE } = rpc.DiffResponse.DiffChanges;
  const { Kind } = rpc.PropertyDiff;
  const replaces = difference.replaces ?? [];
  const response = new rpc.DiffResponse();
  response.setChanges(difference.changes ? DIFF_SOME : DIFF_NONE);
  response.setReplacesList(replaces);
  response.setDeletebeforereplace(difference.deleteBeforeReplace ?? false);
  const keys = new Set([...(difference.updates ?? []), ...replaces]);
  response.setDiffsList([...keys]);
  response.setHasdetaileddiff(keys.size > 0);
  for (const key of keys) {
    const detail = new rpc.PropertyDiff();
    const replace = replaces.includes(key);
    if (!(key in olds)) detail.setKind(replace ? Kind.ADD_REPLACE : Kind.ADD);
    else if (!(key in news)) detail.setKind(replace ? Kind.DELETE_REPLACE : Kind.DELETE);
    else detail.setKind(replace ? Kind.UPDATE_REPLACE : Kind.UPDATE);
    detail.setInputdiff(true);
    response.getDetaileddiffMap().set(key, detail);
  }
  return response;
}
