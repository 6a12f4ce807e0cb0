namespace MtaTls.Dashboard.Views;

/// <summary>What rows are sorted by: a text or a number, and then the time of their beginning, so that equal rows keep their places.</summary>
internal readonly record struct SortKey(string? Text, double Number, long Started) : IComparable<SortKey>
{
    public int CompareTo(SortKey other)
    {
        int order = Text is null ? Number.CompareTo(other.Number) : string.CompareOrdinal(Text, other.Text);
        return order != 0 ? order : Started.CompareTo(other.Started);
    }
}
