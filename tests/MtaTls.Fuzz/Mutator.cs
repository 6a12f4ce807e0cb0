namespace MtaTls.Fuzz;

/// <summary>Makes inputs of inputs: flips, cuts, repeats, joins, and puts numbers where lengths may be.</summary>
internal static class Mutator
{
    private static readonly byte[] s_edges = [0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF, 0x10, 0x40];

    public static byte[] Mutate(byte[][] corpus, Random random)
    {
        var octets = new List<byte>(corpus[random.Next(corpus.Length)]);
        for (int steps = random.Next(1, 8); steps > 0; steps--)
        {
            int at = random.Next(octets.Count + 1);
            switch (random.Next(9))
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
            }
        }
        return [.. octets];
    }
}
