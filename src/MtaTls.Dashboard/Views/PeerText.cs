namespace MtaTls.Dashboard.Views;

/// <summary>Cuts long texts that come from peers. The page shows them only as text, never as markup.</summary>
internal static class PeerText
{
    private const int MaxLength = 256;

    public static string Of(string text) => text.Length <= MaxLength ? text : $"{text[..(MaxLength - 1)]}…";
}
