namespace MtaTls.Fuzz;

/// <summary>Makes new inputs from others: flips bits, cuts, repeats and joins, inserts words of the target's dictionary, and changes numbers that may be lengths.</summary>
internal static class Mutator
{
    private static readonly byte[] s_edges = [0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF, 0x10, 0x40];

    private static readonly uint[] s_numbers = [0, 1, 0x7F, 0x80, 0xFF, 0x100, 0x3FFF, 0x4000, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF];

    public static byte[] Mutate(byte[][] corpus, byte[][] words, Random random)
    {
        var octets = new List<byte>(corpus[random.Next(corpus.Length)]);
        for (int steps = random.Next(1, 8); steps > 0; steps--)
        {
            int at = random.Next(octets.Count + 1);
            switch (random.Next(13))
            {
                case 0 when at < octets.Count:
                    octets[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1 when at < octets.Count:
                    octets[at] = (byte)random.Next(256);
                    break;
                case 2 when at < octets.Count:
                    octets[at] = s_edges[random.Next(s_edges.Length)];
                    break;
                case 3:
                    octets.RemoveRange(at, random.Next(octets.Count - at + 1));
                    break;
                case 4:
                    octets.InsertRange(at, Enumerable.Range(0, random.Next(1, 20)).Select(_ => (byte)random.Next(256)).ToArray());
                    break;
                case 5 when octets.Count is > 0 and < 50_000:
                    octets.InsertRange(at, octets.GetRange(0, random.Next(octets.Count)));
                    break;
                case 6:
                    octets.AddRange(corpus[random.Next(corpus.Length)]);
                    break;
                case 7 when at + 1 < octets.Count:
                    (octets[at], octets[at + 1]) = ((byte)random.Next(256), (byte)random.Next(256));
                    break;
                case 8 when octets.Count < 50_000 && random.Next(20) == 0:
                    octets.InsertRange(at, Enumerable.Repeat((byte)random.Next(256), random.Next(70_000)).ToArray());
                    break;
                case 9 when words.Length > 0:
                    octets.InsertRange(at, words[random.Next(words.Length)]);
                    break;
                case 10 when octets.Count >= 4:
                    ChangeNumber(octets, random);
                    break;
                case 11:
                    byte[] other = corpus[random.Next(corpus.Length)];
                    int from = random.Next(other.Length + 1);
                    octets.InsertRange(at, other[from..random.Next(from, other.Length + 1)]);
                    break;
                case 12 when octets.Count > 2:
                    List<byte> moved = octets.GetRange(at, random.Next(octets.Count - at + 1));
                    octets.RemoveRange(at, moved.Count);
                    octets.InsertRange(random.Next(octets.Count + 1), moved);
                    break;
            }
        }
        return [.. octets];
    }

    /// <summary>Changes a number of one to four bytes in network order: a little up or down, to the number of bytes after it, or to an end of its range.</summary>
    private static void ChangeNumber(List<byte> octets, Random random)
    {
        int width = random.Next(1, 5), at = random.Next(octets.Count - width + 1);
        uint value = 0;
        for (int i = 0; i < width; i++)
        {
            value = value << 8 | octets[at + i];
        }

        value = random.Next(3) switch
        {
            0 => value + (uint)random.Next(-4, 5),
            1 => (uint)(octets.Count - at - width + random.Next(-1, 2)),
            _ => s_numbers[random.Next(s_numbers.Length)],
        };
        for (int i = 0; i < width; i++)
        {
            octets[at + i] = (byte)(value >> 8 * (width - 1 - i));
        }
    }
}
