using System.Globalization;

namespace MtaTls.Stress;

/// <summary>The options of the command line.</summary>
/// <param name="Minutes">How long a soak lasts.</param>
/// <param name="Seed">The seed of all random numbers; 0 for a new one.</param>
/// <param name="Workers">The number of concurrent requests of a soak.</param>
/// <param name="Count">The number of channels, sessions or opens; 0 for the command's default.</param>
/// <param name="Rounds">The number of rounds; 0 for the command's default.</param>
/// <param name="Output">The folder for the samples and the plot.</param>
internal sealed record StressOptions(double Minutes, int Seed, int Workers, int Count, int Rounds, string Output)
{
    /// <summary>Parses the options; null if one is unknown or has no value.</summary>
    public static StressOptions? Parse(string[] arguments)
    {
        StressOptions options = new(1, 0, 24, 0, 0, Path.Combine("artifacts", "stress"));
        for (int i = 0; i < arguments.Length; i += 2)
        {
            if (i + 1 == arguments.Length)
            {
                return null;
            }

            string value = arguments[i + 1];
            switch (arguments[i])
            {
                case "--minutes": options = options with { Minutes = double.Parse(value, CultureInfo.InvariantCulture) }; break;
                case "--seed": options = options with { Seed = int.Parse(value, CultureInfo.InvariantCulture) }; break;
                case "--workers": options = options with { Workers = int.Parse(value, CultureInfo.InvariantCulture) }; break;
                case "--count": options = options with { Count = int.Parse(value, CultureInfo.InvariantCulture) }; break;
                case "--rounds": options = options with { Rounds = int.Parse(value, CultureInfo.InvariantCulture) }; break;
                case "--output": options = options with { Output = value }; break;
                default: return null;
            }
        }

        return options;
    }
}
