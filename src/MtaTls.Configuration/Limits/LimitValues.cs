using MtaTls.Protocol;

namespace MtaTls.Configuration;

/// <summary>An immutable copy of <see cref="MtaTlsSessionLimits"/>. Two copies with the same values are equal.</summary>
internal sealed class LimitValues : IEquatable<LimitValues>
{
    private readonly MtaTlsSessionLimits _limits = new();
    private readonly object?[] _values;

    public LimitValues(MtaTlsSessionLimits limits)
    {
        SessionLimits.Table.Copy(limits, _limits);
        _values = SessionLimits.Table.Values(_limits);
    }

    public int MaxChannelsPerSession => _limits.MaxChannelsPerSession;

    public int MaxPendingChannels => _limits.MaxPendingChannels;

    /// <summary>Returns the limits as a new object.</summary>
    public MtaTlsSessionLimits ToLimits()
    {
        MtaTlsSessionLimits copy = new();
        SessionLimits.Table.Copy(_limits, copy);
        return copy;
    }

    public bool Equals(LimitValues? other) => other is not null && _values.SequenceEqual(other._values);

    public override bool Equals(object? obj) => Equals(obj as LimitValues);

    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (object? value in _values)
        {
            hash.Add(value);
        }

        return hash.ToHashCode();
    }
}
