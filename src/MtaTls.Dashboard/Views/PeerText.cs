namespace MtaTls.Dashboard.Views;

/// <summary>Texts that peers have written. They go to the page as text, cut where they are long; the page shows them as text alone.</summary>
internal static class PeerText
{
    private const int MaxLength = 256;

    public static string Of(string text) => text.Length <= MaxLength ? text : $"{text[..(MaxLength - 1)]}…";
}
