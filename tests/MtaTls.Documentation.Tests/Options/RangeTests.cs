using System.Reflection;

namespace MtaTls.Documentation.Tests.Options;

/// <summary>Options that are set in code: the error of a value out of range names the option.</summary>
public sealed class RangeTests
{
    private static readonly Type[] s_ofEachPackage =
    [
        typeof(Protocol.MtaTlsSessionLimits), typeof(Tls.TlsServerOptions), typeof(AspNetCore.MtaTlsLimits), typeof(Client.MtaTlsClientOptions), typeof(Agent.MtaTlsAgentOptions),
        typeof(ReverseProxy.Cluster.MtaTlsClusterOptions), typeof(QuicTunnel.QuicTunnelClientOptions),
    ];

    public static TheoryData<string> Types => [.. OptionTypes().Select(static t => t.FullName!)];

    [Theory]
    [MemberData(nameof(Types))]
    public void The_error_of_a_value_out_of_range_names_the_option(string name)
    {
        Type type = OptionTypes().Single(t => t.FullName == name);
        foreach (PropertyInfo property in Numbers(type))
        {
            object options = Activator.CreateInstance(type)!;
            foreach (object value in Extremes(property.PropertyType))
            {
                try
                {
                    property.SetValue(options, value);
                }
                catch (TargetInvocationException e)
                {
                    ArgumentOutOfRangeException error = Assert.IsType<ArgumentOutOfRangeException>(e.InnerException);
                    Assert.True(error.ParamName == property.Name && error.Message.StartsWith(property.Name + " must be ", StringComparison.Ordinal), $"{name}.{property.Name}: {error.Message}");
                }
            }
        }
    }

    private static IEnumerable<Type> OptionTypes()
        => s_ofEachPackage.SelectMany(static t => t.Assembly.GetExportedTypes())
            .Where(static t => t.IsClass && !t.IsAbstract && t.GetConstructor(Type.EmptyTypes) is not null && Numbers(t).Any())
            .OrderBy(static t => t.FullName, StringComparer.Ordinal);

    private static IEnumerable<PropertyInfo> Numbers(Type type)
        => type.GetProperties().Where(static p => p.SetMethod?.IsPublic == true && Extremes(p.PropertyType).Length > 0);

    private static object[] Extremes(Type type)
        => type == typeof(int) ? [int.MinValue, -1, 0, int.MaxValue]
        : type == typeof(long) ? [long.MinValue, -1L, 0L, long.MaxValue]
        : type == typeof(double) ? [double.MinValue, -1.0, 0.0, double.MaxValue]
        : type == typeof(TimeSpan) ? [TimeSpan.MinValue, TimeSpan.FromTicks(-1), TimeSpan.Zero, TimeSpan.MaxValue]
        : [];
}
