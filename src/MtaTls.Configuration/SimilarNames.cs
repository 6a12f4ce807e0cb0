namespace MtaTls.Configuration;

/// <summary>Finds the name that a misspelled key was probably meant to be.</summary>
internal static class SimilarNames
{
    /// <summary>Returns the known name with the fewest changed letters; null when none is similar.</summary>
    public static string? Find(string key, IEnumerable<string> known)
    {
        string? best = null;
        int least = Math.Max(2, key.Length / 3) + 1;
        foreach (string name in known)
        {
            int distance = Distance(key.ToUpperInvariant(), name.ToUpperInvariant(), least);
            if (distance < least)
            {
                (best, least) = (name, distance);
            }
        }

        return best;
    }

    private static int Distance(string a, string b, int limit)
    {
        // A very long key is not compared: that would take long, and it is not a misspelled name.
        if (Math.Abs(a.Length - b.Length) >= limit || a.Length > 100)
        {
            return limit;
        }

        int[] previous = [.. Enumerable.Range(0, b.Length + 1)];
        int[] current = new int[b.Length + 1];
        for (int i = 1; i <= a.Length; i++)
        {
            current[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int change = a[i - 1] == b[j - 1] ? 0 : 1;
                current[j] = Math.Min(Math.Min(current[j - 1], previous[j]) + 1, previous[j - 1] + change);
            }

            (previous, current) = (current, previous);
        }

        return previous[b.Length];
    }
}
