using Microsoft.AspNetCore.Http;

namespace MtaTls.Dashboard;

/// <summary>Reads route values.</summary>
internal static class RouteValueExtensions
{
    public static string GetRouteValueText(this HttpContext context, string name) => context.Request.RouteValues[name] as string ?? "";
}
