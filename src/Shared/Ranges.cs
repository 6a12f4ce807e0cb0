using System.Runtime.CompilerServices;

namespace MtaTls;

/// <summary>Range checks of option setters. The error names the option. MtaTls.Protocol has it for all packages that see its internals.</summary>
internal static class Ranges
{
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(24);

    public static T Check<T>(T value, T min, T max, [CallerMemberName] string? name = null)
        where T : IComparable<T>
        => value.CompareTo(min) >= 0 && value.CompareTo(max) <= 0
            ? value
            : throw new ArgumentOutOfRangeException(name, value, $"{name} must be from {min} to {max}.");

    public static TimeSpan Positive(TimeSpan value, TimeSpan max, [CallerMemberName] string? name = null)
        => value > TimeSpan.Zero && value <= max
            ? value
            : throw new ArgumentOutOfRangeException(name, value, $"{name} must be more than zero and at most {max}.");

    public static TimeSpan Positive(TimeSpan value, [CallerMemberName] string? name = null)
        => value > TimeSpan.Zero && value <= s_longest
            ? value
            : throw new ArgumentOutOfRangeException(name, value, $"{name} must be more than zero and at most 24 days.");

    public static TimeSpan PositiveOrInfinite(TimeSpan value, [CallerMemberName] string? name = null)
        => value == Timeout.InfiniteTimeSpan || (value > TimeSpan.Zero && value <= s_longest)
            ? value
            : throw new ArgumentOutOfRangeException(name, value, $"{name} must be more than zero and at most 24 days, or infinite.");
}
