using System.Reflection;
using MtaTls.Protocol;

namespace MtaTls.Configuration.Tests;

/// <summary>The table of session limits matches <see cref="MtaTlsSessionLimits"/>: a limit that only one of them has, or whose ranges differ, fails here.</summary>
public sealed class SessionLimitsTests
{
    public static TheoryData<string> Names() => [.. SessionLimits.Table.Select(static s => s.Name)];

    [Fact]
    public void Each_limit_is_in_the_table()
        => Assert.Equal(
            typeof(MtaTlsSessionLimits).GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(static p => p.Name).Order(),
            SessionLimits.Table.Select(static s => s.Name).Order());

    [Theory]
    [MemberData(nameof(Names))]
    public void The_member_takes_the_range_and_nothing_else(string name)
    {
        Setting<MtaTlsSessionLimits> setting = SessionLimits.Table.Single(s => s.Name == name);
        MtaTlsSessionLimits limits = new();
        foreach (object value in new[] { setting.Minimum!, setting.Maximum! })
        {
            setting.Set!(limits, value);
            Assert.Equal(value, setting.Get!(limits));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => setting.Set!(limits, Beyond(setting.Minimum!, -1)));
        if (setting.Maximum is not int.MaxValue)
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => setting.Set!(limits, Beyond(setting.Maximum!, 1)));
        }

        if (setting.Kind == SettingKind.Duration)
        {
            if (setting.AllowsInfinite)
            {
                setting.Set!(limits, Timeout.InfiniteTimeSpan);
            }
            else
            {
                Assert.Throws<ArgumentOutOfRangeException>(() => setting.Set!(limits, Timeout.InfiniteTimeSpan));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Equal_values_are_equal_and_any_other_is_not(string name)
    {
        Setting<MtaTlsSessionLimits> setting = SessionLimits.Table.Single(s => s.Name == name);
        MtaTlsSessionLimits limits = new();
        LimitValues before = new(limits);
        Assert.Equal(before, new LimitValues(new MtaTlsSessionLimits()));
        Assert.Equal(before.GetHashCode(), new LimitValues(new MtaTlsSessionLimits()).GetHashCode());
        object other = setting.Minimum!.Equals(setting.Get!(limits)) ? setting.Maximum! : setting.Minimum!;
        setting.Set!(limits, other);
        LimitValues after = new(limits);
        Assert.NotEqual(before, after);
        Assert.Equal(other, setting.Get!(after.ToLimits()));
        // A later change of the options does not change the values.
        setting.Set!(limits, setting.Get!(new MtaTlsSessionLimits())!);
        Assert.NotEqual(before, after);
    }

    [Fact]
    public void Limits_that_contradict_each_other_are_reported_all_at_once()
    {
        ErrorList errors = new();
        SessionLimits.Validate(new MtaTlsSessionLimits { InitialWindowSize = 8192, MaxWindowSize = 4096, MaxPacketLength = 8192, SessionReceiveBudget = 4096 }, "Section:Limits", errors);
        Assert.Equal(
            ["Section:Limits:MaxWindowSize", "Section:Limits:MaxPacketLength", "Section:Limits:SessionReceiveBudget"],
            errors.All.Select(static e => e[..e.IndexOf(": ", StringComparison.Ordinal)]));
        ErrorList none = new();
        SessionLimits.Validate(new MtaTlsSessionLimits(), "Section:Limits", none);
        Assert.Empty(none.All);
    }

    private static object Beyond(object value, int by) => value switch
    {
        int number => number + by,
        long number => number + by,
        TimeSpan time => time + TimeSpan.FromTicks(by),
        _ => throw new ArgumentException($"{value.GetType()} is not a limit.", nameof(value)),
    };
}
