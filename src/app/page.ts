/** What every list does with its shared params and its page (06 §6). */
import { refuse } from "../contract/faults.ts";
import { CURSOR_REFUSED, type CursorRefused, type Direction } from "../store/keyset.ts";
import type { ListPage, ListPaging } from "../store/lists.ts";

type SharedParams = { limit: number; cursor_next?: string | undefined; order_by?: string | undefined };

/**
 * The order and the place of the wanted page.
 * @param orders all fields of the list; the first one, ascending, is its default
 */
export function pagingOf<Order extends string>(
  orders: readonly [Order, ...Order[]],
  params: SharedParams,
): ListPaging<Order> {
  const [field, direction] = (params.order_by ?? orders[0]).split(":");
  return {
    order: orders.find((order) => order === field) ?? orders[0],
    direction: direction === "desc" ? "desc" : "asc",
    limit: params.limit,
    cursor: params.cursor_next,
  };
}

/**
 * A page as its result.
 * @throws Fault `param_invalid` on `cursor_next`
 */
export function toListResult<Row, View>(
  page: ListPage<Row> | CursorRefused,
  { order, direction }: { order: string; direction: Direction },
  toView: (row: Row) => View,
) {
  if (page === CURSOR_REFUSED) {
    refuse(
      "param_invalid",
      { field: "cursor_next", reason: "not a cursor of this list, order and filter" },
      "cursor_next must come from the previous page of the same list",
    );
  }
  return {
    rows: page.rows.map(toView),
    total: page.total,
    total_estimate: null,
    cursor_next: page.cursorNext,
    ordering: `${order}:${direction}`,
  };
}
