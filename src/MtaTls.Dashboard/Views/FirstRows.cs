namespace MtaTls.Dashboard.Views;

/// <summary>Sorts only the rows up to the shown page. With 10,000 sessions most rows are on other pages, and sorting all of them was most of a frame's cost.</summary>
internal static class FirstRows
{
    /// <summary>Moves the first <paramref name="count"/> rows to the front, sorted. The others follow in any order.</summary>
    /// <param name="keys">The sort keys of the rows. They move with the rows.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="count">The number of sorted rows that are needed.</param>
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

    /// <summary>Quickselect (Hoare). The pivot is random, so that peers, who influence the values, can't make it slow.</summary>
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
