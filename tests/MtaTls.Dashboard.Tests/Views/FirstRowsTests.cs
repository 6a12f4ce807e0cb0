using MtaTls.Dashboard.Views;

namespace MtaTls.Dashboard.Tests.Views;

/// <summary>The first rows are the same as after sorting all rows.</summary>
public class FirstRowsTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_first_rows_are_those_of_a_whole_sort(bool descending)
    {
        Random random = new(4711);
        for (int round = 0; round < 500; round++)
        {
            int length = random.Next(0, 300), count = random.Next(0, length + 1), values = random.Next(1, 50);

            // Only a few values, so that many are equal. Each row's start is unique, so that there is only one right order.
            SortKey[] keys = [.. Enumerable.Range(0, length).Select(i => new SortKey(null, random.Next(values), i))];
            random.Shuffle(keys);
            SortKey[] expected = [.. descending ? keys.OrderDescending().Take(count) : keys.Order().Take(count)];
            SortKey[] rows = [.. keys];
            FirstRows.Sort<SortKey>(keys, rows, count, descending);
            Assert.Equal(expected, rows[..count]);
            Assert.Equal(length, rows.Distinct().Count());
        }
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(-1, 0)]
    [InlineData(0, 1)]
    public void Rows_that_are_sorted_already_or_all_alike_are_no_worse(int step, int startStep)
    {
        SortKey[] keys = [.. Enumerable.Range(0, 20_000).Select(i => new SortKey(null, step * i, startStep * i))];
        SortKey[] expected = [.. keys.OrderDescending().Take(50)], rows = [.. keys];
        FirstRows.Sort<SortKey>(keys, rows, 50, descending: true);
        Assert.Equal(expected, rows[..50]);
    }
}
