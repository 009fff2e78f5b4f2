import { IMAGES, type ImageRecipe } from "../build/images";
import type { ExtraName } from "../extras";
import { standInImages, standInRecipe } from "../build/stand-ins";
import { chartFolder, chartImages, chartPart, type ChartProduct } from "./charts";
import { copiedImage, type CopiedImage } from "./images";
import { kubernetesPackagesPart, packageFolder } from "./kubernetes-packages";
import { programOf, type Part } from "./part";
import { pluginPartName, pluginParts } from "./plugins";
import { CHART_PRODUCTS, productOf } from "./products";
import { helmPart, pulumiPart } from "./programs";
import { publishers, type Publisher } from "./publishers";

/** Why a part is not upstream's, by its name. */
export type Refusals = Readonly<Record<string, string>>;

/**
 * Where each part of a build comes from: upstream, or built and stood in for here.
 *
 * A part that cannot be fetched after all is refused while the build runs; what depends on it asks afterwards.
 */
export class Supply {
  readonly pulumi = pulumiPart();
  readonly helm = helmPart();
  readonly packages = kubernetesPackagesPart();
  readonly plugins = pluginParts();
  private readonly recipes: readonly ImageRecipe[];
  private readonly products: { product: ChartProduct; part: Part }[];
  private readonly publishers: Publisher[];
  private readonly refusals: Record<string, string>;

  /**
   * @param refusals parts that are not upstream's from the start.
   * @param extras those that the lab has.
   */
  constructor(
    refusals: Refusals,
    readonly extras: readonly ExtraName[] = [],
  ) {
    this.refusals = { ...refusals };
    const all = [...IMAGES, ...standInImages().map(standInRecipe)];
    this.recipes = all.filter(({ extra }) => extra === undefined || [extra].flat().some((one) => extras.includes(one)));
    const images = this.recipes.map(({ name }) => name);
    this.products = CHART_PRODUCTS.map((product) => ({
      product,
      part: chartPart(
        product,
        images.filter((image) => productOf(image) === product),
      ),
    }));
    this.publishers = publishers(images.filter((image) => productOf(image) === undefined));
  }

  /** Nothing is upstream's. */
  static ownOnly(reason: string, extras: readonly ExtraName[] = []): Supply {
    const supply = new Supply({}, extras);
    for (const part of supply.parts()) supply.refuse(part, reason);
    return supply;
  }

  /** The same, as it stands now, for a lab without extras. */
  withoutExtras(): Supply {
    return this.extras.length === 0 ? this : new Supply(this.reasons());
  }

  /** Every part there is. */
  parts(): Part[] {
    return [this.pulumi, this.helm, this.packages, ...this.plugins, ...this.imageParts()];
  }

  /** The parts that hold images. */
  imageParts(): Part[] {
    return [...this.products, ...this.publishers].map(({ part }) => part);
  }

  upstream(part: Part): boolean {
    return this.refusals[part.name] === undefined;
  }

  refuse(part: Part, reason: string): void {
    this.refusals[part.name] = reason;
  }

  /** Why some parts are not upstream's. */
  reasons(): Refusals {
    return { ...this.refusals };
  }

  /** Every image that the lab can make by itself. */
  ownImages(): readonly ImageRecipe[] {
    return this.recipes;
  }

  /** Those of them that it has to make. */
  builtRecipes(): ImageRecipe[] {
    return this.recipes.filter(({ name }) => !this.upstream(this.ownerOf(name)));
  }

  /** The names and contents of the images that are upstream's. */
  copiedImages(): { name: string; image: CopiedImage }[] {
    const fromCharts = this.products
      .filter(({ part }) => this.upstream(part))
      .flatMap(({ part }) => chartImages(part.directory).map((name) => ({ name, part })));
    const others = this.publishers
      .filter(({ part }) => this.upstream(part))
      .flatMap(({ part, images }) => images.map((name) => ({ name, part })));
    const found = new Map([...others, ...fromCharts].map(({ name, part }) => [name, part.directory]));
    return [...found].map(([name, directory]) => ({ name, image: copiedImage(directory, name) }));
  }

  /** The part that an image of the lab's own making is replaced by. */
  ownerOf(image: string): Part {
    const product = productOf(image);
    const owner =
      this.products.find((each) => each.product === product)?.part ??
      this.publishers.find(({ images }) => images.includes(image))?.part;
    if (owner === undefined) throw new Error(`no part of upstream's holds ${image}`);
    return owner;
  }

  /** Folders of upstream's packed charts. */
  chartFolders(): string[] {
    return this.products.filter(({ part }) => this.upstream(part)).map(({ part }) => chartFolder(part.directory));
  }

  /** Whether the lab packs its own chart of that name and version. */
  ownChart(name: string, version: string): boolean {
    const owner = this.products.find(({ product }) =>
      product.charts.some(({ pin }) => pin.chart === name && pin.version === version),
    );
    return owner === undefined || !this.upstream(owner.part);
  }

  /** The folder of upstream's packages for nodes, if they are used. */
  packageFolder(): string | undefined {
    return this.upstream(this.packages) ? packageFolder(this.packages.directory) : undefined;
  }

  /** Upstream's program of that name for this machine, if it is used. */
  program(name: string): string | undefined {
    const owner = this.parts().find((part) => part.programs.includes(name) && this.upstream(part));
    return owner && programOf(owner, name);
  }

  /** The executable of Pulumi's own plugin, if it is used. */
  plugin(name: string): string | undefined {
    const owner = this.plugins.find((part) => part.name === pluginPartName(name));
    return owner && this.upstream(owner) ? programOf(owner, `pulumi-resource-${name}`) : undefined;
  }
}
