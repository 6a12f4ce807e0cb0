namespace MtaTls.Dashboard.Views;

/// <summary>Sorts no more rows than are shown. Of 10,000 sessions most are on other pages, and sorting them too was most of a frame's cost.</summary>
internal static class FirstRows
{
    /// <summary>Brings the first rows to the front, in their order. The others follow in any order.</summary>
    /// <param name="keys">What each row is sorted by; they are moved with the rows.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="count">How many are needed.</param>
    /// <param name="descending">Whether the largest comes first.</param>
    public static void Sort<T>(Span<SortKey> keys, Span<T> rows, int count, bool descending)
    {
        if (count < rows.Length)
        {
            Select(keys, rows, count, descending ? -1 : 1);
        }

        keys[..count].Sort(rows[..count]);
        if (descending)
        {
            rows[..count].Reverse();
        }
    }

    /// <summary>Quickselect (Hoare). The pivot is chosen at random: a peer, whose numbers are sorted, cannot make it a bad one.</summary>
    private static void Select<T>(Span<SortKey> keys, Span<T> rows, int count, int sign)
    {
        int low = 0, high = rows.Length - 1;
        while (low < high)
        {
            SortKey pivot = keys[Random.Shared.Next(low, high + 1)];
            int i = low, j = high;
            while (i <= j)
            {
                while (sign * keys[i].CompareTo(pivot) < 0)
                {
                    i++;
                }

                while (sign * keys[j].CompareTo(pivot) > 0)
                {
                    j--;
                }

                if (i <= j)
                {
                    (keys[i], keys[j]) = (keys[j], keys[i]);
                    (rows[i], rows[j]) = (rows[j], rows[i]);
                    i++;
                    j--;
                }
            }

            if (count - 1 <= j)
            {
                high = j;
            }
            else if (count - 1 >= i)
            {
                low = i;
            }
            else
            {
                return;
            }
        }
    }
}
