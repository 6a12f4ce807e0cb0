namespace MtaTls.Dashboard.Views;

/// <summary>Divides rows into pages.</summary>
internal static class Paging
{
    public static int Pages(int rows, int size) => Math.Max(1, (rows + size - 1) / size);

    /// <summary>The shown page: the requested one, or the last one if there are fewer pages now.</summary>
    public static int Page(ViewQuery query, int rows) => Math.Min(query.Page, Pages(rows, query.Size));

    public static ReadOnlySpan<T> Take<T>(ReadOnlySpan<T> rows, ViewQuery query)
    {
        int begin = (Page(query, rows.Length) - 1) * query.Size;
        return rows.Slice(begin, Math.Min(query.Size, rows.Length - begin));
    }
}
