namespace MtaTls.Dashboard.Views;

/// <summary>The sort key of a row: a text or a number, then its start time, so that equal rows keep their order.</summary>
internal readonly record struct SortKey(string? Text, double Number, long Started) : IComparable<SortKey>
{
    public int CompareTo(SortKey other)
    {
        int order = Text is null ? Number.CompareTo(other.Number) : string.CompareOrdinal(Text, other.Text);
        return order != 0 ? order : Started.CompareTo(other.Started);
    }
}
