using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace Plant.Pages;

public class PrivacyModel : PageModel
{
    public void OnGet()
    {
    }
}

