/** A collection of items, in the order in which they were created. They are found by id, in any case of its letters. */
export class Store<Item> {
  readonly #items: Item[] = [];
  readonly #byId = new Map<string, Item>();
  readonly #idOf: (item: Item) => string;
  readonly #bornAt: (item: Item) => number;

  /** @param bornAt returns when an item was created. It never changes, so only `add` has to keep the order. */
  constructor(idOf: (item: Item) => string, bornAt: (item: Item) => number) {
    this.#idOf = idOf;
    this.#bornAt = bornAt;
  }

  /** Adds an item, after those created at the same time. An id may come twice, to play a service that lists a job twice. */
  add(item: Item): void {
    const born = this.#bornAt(item);
    let from = 0;
    let to = this.#items.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#bornAt(this.#items[middle] as Item) <= born) from = middle + 1;
      else to = middle;
    }
    this.#items.splice(from, 0, item);
    this.#byId.set(this.#idOf(item).toLowerCase(), item);
  }

  get(id: string): Item | undefined {
    return this.#byId.get(id.toLowerCase());
  }

  remove(item: Item): void {
    this.#items.splice(this.#items.indexOf(item), 1);
    this.#byId.delete(this.#idOf(item).toLowerCase());
  }

  clear(): void {
    this.#items.length = 0;
    this.#byId.clear();
  }

  /** Returns all items, the oldest first. */
  all(): readonly Item[] {
    return this.#items;
  }
}
