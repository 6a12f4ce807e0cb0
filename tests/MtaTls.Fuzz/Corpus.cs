using System.Text;

namespace MtaTls.Fuzz;

/// <summary>The initial inputs: each line of Corpus/NAME.hex (bytes in hexadecimal, white space ignored) and each paragraph of Corpus/NAME.txt (text). "#" begins a comment.</summary>
internal static class Corpus
{
    /// <summary>Words that the target's parsers know: each line of Corpus/NAME.words, with "0x" before bytes in hexadecimal.</summary>
    public static byte[][] LoadWords(string name)
    {
        string path = Path.Combine(AppContext.BaseDirectory, "Corpus", name + ".words");
        return File.Exists(path)
            ? [.. File.ReadAllLines(path).Select(static l => l.StartsWith("0x", StringComparison.Ordinal) ? Convert.FromHexString(l.AsSpan(2)) : Encoding.UTF8.GetBytes(l))]
            : [];
    }

    public static byte[][] Load(string name)
    {
        string path = Path.Combine(AppContext.BaseDirectory, "Corpus", name);
        if (File.Exists(path + ".hex"))
        {
            return [.. File.ReadAllLines(path + ".hex").Select(static l => l.Split('#')[0].Replace(" ", "", StringComparison.Ordinal))
                .Where(static l => l.Length > 0).Select(Convert.FromHexString)];
        }
        return [.. File.ReadAllText(path + ".txt").Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(static p => Encoding.UTF8.GetBytes(p.Trim('\n')))];
    }
}
